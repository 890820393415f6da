# Run by ./waypost with the checkout and where the system's libatomic.so.1 is or would be: keeps a copy of it in
# node_modules/.lib, and gets it from Debian where there is none.

root=$1
library=$2

if [ ! -e "$library" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "waypost: installing libatomic1, which Node 26 needs" >&2
    mkdir -p "$root/.cache"
    { apt-get install -y libatomic1 || { apt-get update && apt-get install -y libatomic1; }; } >"$root/.cache/apt.log" 2>&1
  fi
  for library in /usr/lib/*-linux-gnu*/libatomic.so.1; do
    [ ! -e "$library" ] || break
  done
fi
if [ ! -e "$library" ]; then
  echo "waypost: Node 26 needs libatomic.so.1: as root, apt-get install libatomic1 (on other systems: libatomic), then again" >&2
  exit 69
fi
[ -w "$root/node_modules" ] || exit 0 # only for elsewhere; here the system has it
mkdir -p "$root/node_modules/.lib" && cp "$library" "$root/node_modules/.lib/libatomic.so.1.new" &&
  mv "$root/node_modules/.lib/libatomic.so.1.new" "$root/node_modules/.lib/libatomic.so.1"
