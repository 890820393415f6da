# Sourced with `root` set: lets Node's program find libatomic.so.1. Debian has it with its compilers only, so a bare machine, or
# a chroot with this checkout in it, may lack it; then the copy is used that ./waypost kept in node_modules/.lib.

for library in /usr/lib/*-linux-gnu*/libatomic.so.1 /usr/lib64/libatomic.so.1 /usr/lib/libatomic.so.1; do
  [ ! -e "$library" ] || break
done
kept=$root/node_modules/.lib
if [ ! -e "$library" ] && [ -e "$kept/libatomic.so.1" ]; then
  case $kept in /*) ;; *) kept=$PWD/$kept ;; esac # programs that we start stand elsewhere
  LD_LIBRARY_PATH=$kept${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH
fi
