//! Where a command gets a password from.
//!
//! Owns the prompt and the pipe. Must not know what a good password is. There is no way to give one as an argument:
//! everybody on the machine can read those.

use std::io::{self, IsTerminal, Read};

use super::exit::Trouble;

/// The longest password, in bytes; what is longer would be refused later anyhow.
const LENGTH: u64 = 1024;

/// Where to look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Ask the person at the terminal, twice.
    Terminal,
    /// The first line of standard input.
    Stdin,
}

/// The new password.
pub fn read(from: From) -> Result<String, Trouble> {
    match from {
        From::Stdin => first_line(io::stdin().lock()),
        From::Terminal if io::stdin().is_terminal() => prompt(),
        From::Terminal => Err(Trouble::usage(
            "error: there is no terminal to ask for the password\n\
             help: pass --password-stdin and send it on standard input, as its first line",
        )),
    }
}

fn prompt() -> Result<String, Trouble> {
    let ask = |question: &str| {
        rpassword::prompt_password(question).map_err(|error| {
            Trouble::usage(format!(
                "error: the terminal cannot be asked: {error}\nhelp: pass --password-stdin"
            ))
        })
    };
    let password = ask("New password: ")?;
    if password == ask("Once more: ")? {
        Ok(password)
    } else {
        Err(Trouble::refused(
            "error: the two are not the same\nhelp: nothing was changed; try again",
        ))
    }
}

fn first_line(input: impl Read) -> Result<String, Trouble> {
    let mut text = String::new();
    let unreadable = |error: io::Error| {
        Trouble::usage(format!(
            "error: the password cannot be read: {error}\nhelp: send it as UTF-8 text on standard input"
        ))
    };
    input
        // One byte more for the end of the line, and one to notice what is too long.
        .take(LENGTH + 3)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let line = text.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Trouble::usage(
            "error: standard input has no password\nhelp: send it as the first line",
        ));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn the_first_line_is_the_password() {
        for (input, password) in [
            ("correct horse", "correct horse"),
            ("correct horse\n", "correct horse"),
            ("correct horse\r\nmore\n", "correct horse"),
            (" spaces count \n", " spaces count "),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), password);
        }
        for nothing in ["", "\n", "\r\n"] {
            assert!(first_line(nothing.as_bytes()).is_err());
        }
        assert!(first_line(&[0xff, 0xfe, b'\n'][..]).is_err());
    }
}
