# Run by ./waypost with the checkout as its argument: installs the packages of package-lock.json, one line per stage.

root=$1
cd "$root" || exit 71

say() { echo "waypost: $*" >&2; }
stop() { say "$1"; exit "$2"; }

command -v npm >/dev/null || stop "npm is needed once, to install: apt-get install nodejs npm, then again" 69
[ -w . ] || stop "nothing is installed yet, and you may not write in $PWD: run ./waypost build there as its owner" 77

# One installation at a time. The lock of one that was killed is taken over.
mkdir -p .cache
lock=.cache/install.lock
until mkdir "$lock" 2>/dev/null; do
  holder=$(cat "$lock/pid" 2>/dev/null)
  if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
    rm -rf "$lock"
    continue
  fi
  [ -n "$waited" ] || say "waiting for another installation (pid ${holder:-unknown}; if there is none, remove $PWD/$lock)"
  waited=yes
  sleep 1
done
echo $$ >"$lock/pid"
trap 'rm -rf "$lock"' EXIT
trap 'kill "$npm" 2>/dev/null; exit 130' INT TERM

if cmp -s package-lock.json node_modules/.installed; then exit 0; fi # the one we waited for did it

began=$(date +%s)
say "installing packages, Node 26 among them (npm ci, about 400 MB on disk; only now and after updates)"
npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error >.cache/npm.log 2>&1 &
npm=$!
while kill -0 "$npm" 2>/dev/null; do
  sleep 1
  seconds=$(($(date +%s) - began))
  if [ $((seconds % 10)) -eq 0 ]; then say "  ${seconds} s, $(du -sm node_modules 2>/dev/null | cut -f1) MB"; fi
done
if ! wait "$npm"; then
  grep -v '^$' .cache/npm.log | grep -v 'A complete log' | head -n 5 | sed 's/^/  /' >&2
  stop "npm could not install (its words stand above): is the network there, and the disk not full? Then again" 69
fi
cp package-lock.json node_modules/.installed
say "installed in $(($(date +%s) - began)) s"
