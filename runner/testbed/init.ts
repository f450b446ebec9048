/** What a machine does before its agent begins: the script that the kernel starts, and what it needs. */

/** Loaded in this order, each after what it depends on. Without crc32_generic soft-RoCE cannot be added. */
export const MODULES = [
  ...['crc32_generic', 'virtio_pci', 'virtio_net', 'virtio-rng', 'virtio_console'],
  ...['9p', '9pnet_virtio', 'overlay'],
  ...['ib_uverbs', 'rdma_ucm', 'rdma_rxe'],
  ...['sch_ingress', 'cls_flower', 'act_gact'],
] as const

const MACHINE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** On the kernel's command line: end at once, which shows that the accelerator works. */
export const PROBE = 'aviary.probe'

/**
 * The host's tree is below an overlay in the machine's own memory: every path is where it is on the host, nothing
 * that is written gets there, and no folder need be hidden for that. Only the shared folder is the same for all.
 */
export const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for word in $($b cat /proc/cmdline); do
  case $word in
    ${PROBE}) $b poweroff -f ;;
    aviary.machine=*) machine=\${word#aviary.machine=} ;;
  esac
done
$b hostname machine-$machine
fail() { echo "aviary: $*"; $b sleep 1; $b poweroff -f; }
for module in /modules/*; do
  $b insmod $module || fail "$module cannot be loaded"
done
plan9=trans=virtio,version=9p2000.L,msize=524288
$b mount -t 9p -o ro,$plan9,cache=loose host /host || fail "the tree of the host cannot be mounted"
$b mount -t 9p -o $plan9,cache=none share /share || fail "the shared folder cannot be mounted"
. "/share/.machine-$machine"
$b mount -t tmpfs -o mode=755,size=75% ram /ram
$b mkdir /ram/upper /ram/work
$b mount -t overlay -o lowerdir=/host,upperdir=/ram/upper,workdir=/ram/work root /new || fail "no overlay"
for each in proc sys dev; do $b mount --move /$each /new/$each; done
$b mkdir -p /new/dev/shm /new/dev/pts
$b mount -t tmpfs -o mode=1777 shm /new/dev/shm
$b mount -t devpts pts /new/dev/pts
$b mount -t tmpfs -o mode=755 run /new/run
$b mount --move /share "/new$share" || fail "there is no folder $share"
ulimit -l unlimited
ulimit -n 65536
cd /new
$b chroot /new /usr/bin/env -i PATH=${MACHINE_PATH} HOME=/root LANG=C.UTF-8 \\
  "$node" "$agent" "$settings" < /new/dev/null
echo "aviary: the agent has ended"
$b poweroff -f
`
