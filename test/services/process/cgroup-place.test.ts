import t from 'tap'
import { cgroupPlace } from '../../../services/process/cgroup-place.ts'

const unified = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const hybrid = ['31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw', '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory', '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'].join('\n')

const places: [string, string, string, string, string?][] = [
  ['in a service of systemd', '0::/system.slice/berth.service\n', unified, '/sys/fs/cgroup/system.slice/berth.service'],
  ['beside groups of version 1', '4:memory:/x\n0::/\n', hybrid, '/sys/fs/cgroup/unified'],
  ['at the root of a container', '0::/\n', unified, '/sys/fs/cgroup'],
  ['in a container that sees only its part', '0::/docker/abc/app\n', '30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw', '/sys/fs/cgroup/app'],
  ['at the root of such a part', '0::/docker/abc\n', '30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw', '/sys/fs/cgroup'],
  ['under a mount point with a blank', '0::/a\n', '30 23 0:26 / /mnt/control\\040groups rw - cgroup2 none rw', '/mnt/control groups/a'],
  ['where this process has stepped aside', '0::/berth.service/berth-self\n', unified, '/sys/fs/cgroup/berth.service', '/sys/fs/cgroup/berth.service/berth-self']
]
for (const [title, own, mounts, base, ownFolder = base] of places) {
  t.test(`the base is found ${title}`, async t => t.same(cgroupPlace(own, mounts), { base, own: ownFolder }))
}

const none: [string, string, string, RegExp][] = [
  ['version 1 alone', '4:memory:/x\n', hybrid, /no control group of version 2/],
  ['nothing', '', '', /no control group of version 2/],
  ['a group outside the namespace', '0::/../other\n', unified, /can not be seen/],
  ['a group that was removed', '0::/gone (deleted)\n', unified, /can not be seen/],
  ['no mount', '0::/\n', '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw', /not mounted/],
  ['a mount of another part', '0::/docker/abcd\n', '30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw', /not mounted/]
]
for (const [title, own, mounts, reason] of none) {
  t.test(`with ${title} there is none, and it says why`, async t => t.match(cgroupPlace(own, mounts), reason))
}
