/** The user that commands, git and work on their files run as, where it is not the one that the service runs as. */

export interface ChildUser {
  /** For people: its name, or `uid 1234` when it has none. */
  name: string
  uid: number
  gid: number
  home: string
}

/** What is wrong with the user that was named, as the end of "BERTH_CHILD_USER …". */
export class UnusableUser extends Error {
  override readonly name = 'UnusableUser'
}

/** setuid(2) takes 32 bits; the last one means "leave it as it is". */
const maxId = 4_294_967_294

/**
 * Finds the user that a setting names. Pure.
 * @param wanted a name, or `uid[:gid]`; a uid that has no entry is its own group, and at home in `/`
 * @param passwd the text of /etc/passwd (passwd(5))
 * @throws UnusableUser for an unknown name, and for root: its user or its group could read what is kept from commands
 */
export function findChildUser (wanted: string, passwd: string): ChildUser {
  const users = passwd.split('\n').map(line => line.split(':')).filter(fields => fields.length === 7).map(toUser)
  const ids = /^(?<uid>\d+)(?::(?<gid>\d+))?$/.exec(wanted)?.groups
  const user = ids === undefined ? users.find(({ name }) => name === wanted) : withIds(users, Number(ids['uid']), ids['gid'])
  if (user === undefined) throw new UnusableUser(`names ${JSON.stringify(wanted)}, a user that /etc/passwd does not have`)
  if (!isId(user.uid) || !isId(user.gid)) throw new UnusableUser(`names ${JSON.stringify(wanted)}, which is no user of this system`)
  if (user.uid === 0 || user.gid === 0) throw new UnusableUser('must not name root or its group: it is there to keep commands from what is root\'s')
  return user
}

function toUser ([name = '', , uid, gid, , home = '']: string[]): ChildUser {
  return { name, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home }
}

function withIds (users: readonly ChildUser[], uid: number, gid: string | undefined): ChildUser {
  const known = users.find(user => user.uid === uid) ?? { name: `uid ${uid}`, uid, gid: uid, home: '/' }
  return gid === undefined ? known : { ...known, gid: Number(gid) }
}

const isId = (id: number) => Number.isInteger(id) && id >= 0 && id <= maxId

/**
 * The host's environment as that user would have it: home and names are its own, and settings in the home of the service's user
 * are not for it.
 */
export function environmentFor (user: ChildUser | null, hostEnv: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  if (user === null) return hostEnv
  return { ...hostEnv, HOME: user.home, USER: user.name, LOGNAME: user.name, XDG_CONFIG_HOME: undefined }
}

/** The options by which Node starts a process as that user; libuv leaves all further groups behind (`setgroups(0)` in process.c). */
export function idsOf (user: ChildUser | null | undefined): { uid?: number, gid?: number } {
  return user == null ? {} : { uid: user.uid, gid: user.gid }
}
