/** Takes away a plain folder that no workspace knows: stored first, renamed aside, compared with what is stored, and only then deleted. */
import { differenceFromStored, storeFolder } from '../folders/store-folder.ts'
import { dropStoredFolder, placesOf, type StoredFolder } from '../folders/stored-folder.ts'
import { FolderKept, asidePathOf, assertNoMounts, lookAt, putBack, removeFolder, renameAside } from './remove-folder.ts'
import { judgeStray, type StrayDeps } from './remove-stray.ts'
import { strayArchiveName, strayName } from './stray-names.ts'

/**
 * Removes the folder.
 * @returns the archive that everything is kept in
 * @throws FolderKept, RescueFailed when it has to stay
 */
export async function removeStrayFolder (deps: StrayDeps, path: string, signal: AbortSignal): Promise<string> {
  const { dataDir, now } = deps
  await judgeStray(deps, { path, repoRoot: null })
  await assertNoMounts(path)
  const stored = await storeFolder({ dataDir, workspaceId: strayArchiveName(dataDir, path), path, now, signal })
  try {
    const [lost] = stored.warnings
    if (lost !== undefined) throw new FolderKept(`not all of it can be kept: ${lost}`)
    await removeStored(deps, { path, stored, signal })
  } catch (error) {
    // All of it is still there: else each round would store it once more. One that was being deleted keeps what it had.
    if (await lookAt(path) !== null) await dropStoredFolder(dataDir, stored.name)
    throw error
  }
  return placesOf(dataDir, stored.name).archive
}

async function removeStored (deps: StrayDeps, { path, stored, signal }: { path: string, stored: StoredFolder, signal: AbortSignal }): Promise<void> {
  const { dataDir, git: { files } } = deps
  const aside = asidePathOf(path, strayName(path))
  await renameAside(path, aside, files)
  try {
    signal.throwIfAborted()
    const difference = await differenceFromStored({ dataDir, stored, path: aside, signal })
    if (difference !== null) throw new FolderKept(`something changed ${path} meanwhile (${difference})`)
    await judgeStray(deps, { path, repoRoot: null, aside })
    await assertNoMounts(aside)
  } catch (error) {
    await putBack(aside, path, files)
    throw error
  }
  await removeFolder(aside)
}
