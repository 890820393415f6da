// The configuration of a system that nobody has configured: itself a sendmail.mc, printed by `waypost config --default`.

/** What `Settings.source` and origins call it. */
export const defaultSource = "built-in default"

/** A sendmail.mc for an ordinary user: ESMTP on 2525, submission on 2587, loopback only, everything under the state directory. */
export const defaultMc = `divert(-1)dnl
# Waypost's own configuration, used when no other is given. Copy it to a file, change it, and start with --config FILE.
# WAYPOST_STATE stands for the state directory (--state DIR), the host's name comes from the host.
divert(0)dnl
VERSIONID(\`waypost default')dnl
OSTYPE(\`linux')dnl
dnl
dnl Where we listen. M=E on the submission door: no ETRN; Name=MSA makes it one for mail clients.
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=2525')dnl
DAEMON_OPTIONS(\`Name=MSA, Addr=127.0.0.1, Port=2587, M=E')dnl
FEATURE(\`no_default_msa')dnl
dnl
dnl Tables and lists, each a text file under the state directory; one that is missing is empty.
define(\`MAIL_SETTINGS_DIR', \`WAYPOST_STATE/')dnl
define(\`ALIAS_FILE', \`-o WAYPOST_STATE/aliases')dnl
define(\`confCW_FILE', \`-o WAYPOST_STATE/local-host-names')dnl
define(\`confCT_FILE', \`-o WAYPOST_STATE/trusted-users')dnl
define(\`confCR_FILE', \`-o WAYPOST_STATE/relay-domains')dnl
FEATURE(\`use_cw_file')dnl
FEATURE(\`access_db', \`hash -T<TMPF> -o WAYPOST_STATE/access')dnl
FEATURE(\`blocklist_recipients')dnl
FEATURE(\`mailertable', \`hash -o WAYPOST_STATE/mailertable')dnl
FEATURE(\`virtusertable', \`hash -o WAYPOST_STATE/virtusertable')dnl
FEATURE(\`redirect')dnl
dnl
dnl A machine that is only tried out may have no DNS: without this line a sender whose domain cannot be found is refused.
FEATURE(\`accept_unresolvable_domains')dnl
dnl
dnl TLS: a certificate in the state directory that is not there yet is made at the start, signed by itself.
define(\`confSERVER_CERT', \`WAYPOST_STATE/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`WAYPOST_STATE/tls/key.pem')dnl
dnl
dnl Users' mail goes to mbox files; FEATURE(\`maildir') would make them Maildirs.
define(\`confLOCAL_MAILBOX_DIR', \`WAYPOST_STATE/mail')dnl
define(\`confTO_IDENT', \`0')dnl
dnl
dnl What sendmail 8.17 does not offer and Waypost does: a site's own sendmail.mc says so, or goes without.
define(\`confEXTENSIONS', \`CHUNKING,BINARYMIME,SMTPUTF8,REQUIRETLS')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
