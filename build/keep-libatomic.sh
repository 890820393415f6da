# Run by ./waypost with the checkout and where the system's libatomic.so.1 is or would be: keeps a copy of it in
# node_modules/.lib, and gets it from Debian where there is none. Root installs the package; anybody else only takes the
# library out of it, for nothing on the machine is to be changed by a user who tries Waypost.

root=$1
library=$2

say() { echo "waypost: $*" >&2; }

if [ ! -e "$library" ] && command -v apt-get >/dev/null; then
  mkdir -p "$root/.cache/libatomic"
  if [ "$(id -u)" = 0 ]; then
    say "installing libatomic1, which Node 26 needs"
    { apt-get install -y libatomic1 || { apt-get update && apt-get install -y libatomic1; }; } >"$root/.cache/apt.log" 2>&1
  else
    say "fetching libatomic1, which Node 26 needs, for this checkout only"
    (cd "$root/.cache/libatomic" && apt-get download libatomic1 && dpkg-deb -x libatomic1_*.deb .) >"$root/.cache/apt.log" 2>&1
  fi
  for library in /usr/lib/*-linux-gnu*/libatomic.so.1 "$root"/.cache/libatomic/usr/lib/*/libatomic.so.1; do
    [ ! -e "$library" ] || break
  done
fi
if [ ! -e "$library" ]; then
  say "Node 26 needs libatomic.so.1: as root, apt-get install libatomic1 (on other systems: libatomic), then again"
  exit 69
fi
[ -w "$root/node_modules" ] || exit 0 # only for elsewhere; here the system has it
mkdir -p "$root/node_modules/.lib" && cp "$library" "$root/node_modules/.lib/libatomic.so.1.new" &&
  mv "$root/node_modules/.lib/libatomic.so.1.new" "$root/node_modules/.lib/libatomic.so.1"
