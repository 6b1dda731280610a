/** Work on files that commands can change too: done as whoever runs the commands, so that it can do no more than they. */
import * as fs from 'node:fs/promises'

export type FilePath = string | Buffer

/** A file that is being written. */
export interface FileSink {
  write (bytes: Buffer): Promise<void>
  close (): Promise<void>
}

/** The calls of `node:fs/promises` that are needed there; their errors are its own, with their codes. */
export interface Files {
  access (path: FilePath, mode: number): Promise<void>
  chmod (path: FilePath, mode: number): Promise<void>
  copyFile (from: FilePath, to: FilePath, mode: number): Promise<void>
  mkdir (path: FilePath, options: { recursive?: boolean, mode?: number }): Promise<string | undefined>
  mkdtemp (prefix: string): Promise<string>
  readFile (path: FilePath): Promise<Buffer>
  rename (from: FilePath, to: FilePath): Promise<void>
  rm (path: FilePath, options: { recursive?: boolean, force?: boolean }): Promise<void>
  rmdir (path: FilePath): Promise<void>
  symlink (target: FilePath, path: FilePath): Promise<void>
  writeFile (path: FilePath, content: string | Buffer, options: { flag?: string, mode?: number }): Promise<void>
  /** Makes a file that is not there yet; its owner may write it, whatever the mode says, until a `chmod`. */
  create (path: FilePath, mode: number): Promise<FileSink>
}

/** As the user of this process. */
export const ownFiles: Files = {
  access: fs.access,
  chmod: fs.chmod,
  copyFile: fs.copyFile,
  mkdir: fs.mkdir,
  mkdtemp: async prefix => await fs.mkdtemp(prefix),
  readFile: async path => await fs.readFile(path),
  rename: fs.rename,
  rm: fs.rm,
  rmdir: async path => await fs.rmdir(path),
  symlink: async (target, path) => await fs.symlink(target, path),
  writeFile: fs.writeFile,
  create: async (path, mode) => {
    const handle = await fs.open(path, 'wx', mode)
    return { write: async bytes => await handle.writeFile(bytes), close: async () => await handle.close() }
  }
}
