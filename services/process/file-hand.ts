/**
 * A program: does file work as another user, told over the channel to its parent. It is started as root and becomes that user
 * itself, without another exec: the kernel then lets no process of the same user look into it or trace it (see `ptrace(2)` on
 * "dumpable"), and the user needs no right to read the service's code.
 * Arguments: uid, gid.
 */
import type { FileAnswer, FileRequest } from './file-messages.ts'
import { packed, unpacked } from './file-messages.ts'
import { ownFiles } from './files.ts'

const [uid = Number.NaN, gid = Number.NaN] = process.argv.slice(2).map(Number)
process.setgroups?.([])
process.setgid?.(gid)
process.setuid?.(uid)
if (process.getuid?.() !== uid || process.getgid?.() !== gid) throw new Error('the user could not be changed')

process.on('disconnect', () => process.exit())
// It never fails: what a call throws is its answer.
process.on('message', async request => { await answer(request as FileRequest) })

async function answer ({ id, call, args }: FileRequest): Promise<void> {
  send(await run(call, args.map(unpacked)).then(
    (value): FileAnswer => ({ id, value: packed(value) }),
    (error: NodeJS.ErrnoException): FileAnswer => ({ id, error: { ...(error.code === undefined ? {} : { code: error.code }), message: error.message } })
  ))
}

async function run (call: FileRequest['call'], args: unknown[]): Promise<unknown> {
  return await (ownFiles[call] as (...args: unknown[]) => Promise<unknown>)(...args)
}

function send (message: FileAnswer): void {
  // Its parent may have gone meanwhile: then nobody waits for the answer.
  process.send?.(message, undefined, undefined, () => {})
}
