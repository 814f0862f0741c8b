# Runs a command as a container of the image does: user 10001 without rights, and a read-only file system in which only
# volumes can be written. Arguments: the folder of the volumes, their names up to --, and the command.
set -eu
folder=$1
shift
mount --make-rprivate /
while [ "$1" != -- ]; do
    mount --bind "$folder/$1" "$folder/$1"
    shift
done
shift
mount -o remount,bind,ro /
exec unshare --user --map-user=10001 --map-group=10001 "$@"
