-- Signs in with a wrong password, again and again: each try is a hash. What is busy is not an error here.
--
--     wrk -s login.lua URL -- HOST

function init(arguments)
  local host = arguments[1]
  wrk.method = "POST"
  wrk.path = "/_auth/login"
  wrk.body = "login=nobody&password=wrong-44-harbour"
  wrk.headers["Host"] = host
  wrk.headers["Origin"] = "http://" .. host
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end
