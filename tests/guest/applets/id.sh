# id, whoami: the numbers (the names need /etc/passwd, which tests do not share).
id -u; id -g; id -ru; id -rg; id nosuchuser; echo status $?
