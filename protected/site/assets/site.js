// Says hello by name. Without it the pages lose the name and nothing else.

async function me() {
  const headers = { Accept: 'application/json' }
  const answer = await fetch('/_auth/api/me', { headers, cache: 'no-store' })
  return answer.ok ? answer.json() : null
}

function told(me) {
  return {
    user: me.username || me.email,
    groups: (me.roles ?? []).join(','),
    email: me.email_verified ? me.email : '',
    name: [me.first_name, me.last_name].filter(Boolean).join(' '),
  }
}

function show(me) {
  for (const part of document.querySelectorAll('[data-when]')) {
    part.hidden = part.dataset.when !== (me ? 'known' : 'stranger')
  }
  document.documentElement.classList.toggle('known', Boolean(me))
  if (!me) return
  const values = told(me)
  for (const part of document.querySelectorAll('[data-name]')) {
    part.textContent = me.first_name || values.user
  }
  for (const part of document.querySelectorAll('[data-me]')) {
    const value = values[part.dataset.me]
    part.textContent = value || 'nothing'
    part.classList.toggle('absent', !value)
  }
}

const greet = () => me().then(show, () => {})

// A page that comes back from the browser's memory may be from before you signed in or out.
addEventListener('pageshow', (event) => event.persisted && greet())
greet()
