/** The page on closing: its commands run as pasted, and each of its claims names a test that is there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkout } from '../fixtures/state-dir.ts'
import { readDocsPage } from '../fixtures/docs-page.ts'

const { text: page, runExample } = await readDocsPage('closing.md')

/** What the page says in bold, and the tests that fail when it is not so: the file below `test/`, then the title. */
const backedBy: Record<string, [file: string, title: string][]> = {
  'Readiness says what blocks, what to know, and every step in order': [['routes/archive.test.ts', 'from a running service to a restored workspace']],
  'Explain says who holds the workspace, what runs, which rule ends it and when, and what closing takes and keeps.': [['services/archive/explain.test.ts', 'a real workspace is explained from opening to archive']],
  'A workspace whose issue is still open is not closed': [['services/archive/archive.test.ts', 'an open issue blocks with the close readiness, and nothing changes']],
  'What could not be inspected is never taken for clean': [['services/archive/gather.test.ts', 'git is null where nothing points at git, and a problem where it should be'], ['services/archive/removal.test.ts', 'one that git could not read is refused']],
  'Services are stopped with every process of theirs': [['routes/archive.test.ts', 'from a running service to a restored workspace'], ['routes/archive.test.ts', 'a shared service that another workspace uses goes on']],
  "A service that can't be stopped keeps everything in place.": [['services/archive/stop-services.test.ts', 'what can not be stopped keeps everything in place, and the others are stopped all the same']],
  'What is modified, staged, deleted, untracked or linked is stored': [['services/archive/restore.test.ts', 'staged, modified, deleted and untracked files, modes and links come back as they were'], ['services/git/rescue.test.ts', 'other globs choose other ignored files; large ones and other kinds are left out, and that is said']],
  'Plain git can bring it back without this service': [['services/git/rescue.test.ts', 'git alone can bring a snapshot back, without this service']],
  "A snapshot that can't be made removes nothing": [['services/archive/remove-files.test.ts', 'a snapshot that can not be made removes nothing']],
  'What a cleanup command deletes was stored before it ran': [['services/archive/take-rescue.test.ts', 'what a cleanup command deletes was in the snapshot before, and what it leaves is in a second one'], ['services/archive/close-commands.test.ts', 'the commands run in their order, each its own operation, and a failing one is a warning']],
  'A command that takes the folder away itself loses nothing': [['services/archive/take-rescue.test.ts', 'a command that takes the folder away itself loses nothing'], ['services/archive/take-rescue.test.ts', 'after an archive that failed, what its commands deleted still comes back'], ['services/archive/take-rescue.test.ts', 'after an archive that failed, what was there before its commands keeps a name when it is not what is there by now'], ['services/archive/remove-plain-folder.test.ts', 'commands that take it away themselves, or of an archive that failed, lose nothing']],
  'The folder is renamed aside, looked at once more, and only then deleted': [['services/archive/remove-worktree.test.ts', 'a change between the snapshot and the deletion puts everything back']],
  'Links in it are removed, what they point at is not.': [['services/archive/remove-worktree.test.ts', 'a symlink inside a worktree is removed, what it points at is not']],
  'A branch goes only if this service made it and it is merged into its base': [['services/archive/archive.test.ts', 'a clean merged worktree goes with its branch, leaving a snapshot'], ['services/archive/archive.test.ts', 'unfinished work is kept and an unmerged branch stays']],
  'A locked worktree is left alone': [['services/archive/remove-worktree.test.ts', 'a locked worktree is left alone']],
  'Only what this service made is removed': [['services/archive/remove-files.test.ts', 'a worktree that was not made by the service, or that another workspace uses, is kept'], ['services/archive/remove-files.test.ts', 'whatever a row says, a path that others need stays']],
  'A workspace that shares its folder leaves it where it is.': [['services/archive/archive.test.ts', 'a shared session is detached from its issues and its folder stays']],
  'It is stored as one archive with a manifest of hashes': [['services/archive/remove-plain-folder.test.ts', 'it is stored, removed, and comes back byte for byte; a second archive keeps the first'], ['services/folders/store-folder.test.ts', 'bytes, modes, links, empty folders, times and names of any bytes come back']],
  'tar unpacks it without this service': [['services/folders/store-folder.test.ts', 'bytes, modes, links, empty folders, times and names of any bytes come back']],
  'Sockets, pipes and devices are not in it, and are told as warnings.': [['services/folders/store-folder.test.ts', 'a socket and a pipe are told, and not lost silently'], ['services/control/rescued-folder.test.ts', 'a plain folder is listed, handed out, restored and dropped']],
  'A damaged archive is noticed': [['services/folders/store-folder.test.ts', 'a damaged archive is found out, and nothing of it comes to the place'], ['services/archive/remove-plain-folder.test.ts', 'an archive that was damaged meanwhile is not relied on']],
  'The list shows each kept file with its status, mode and size; one file can be had without restoring all.': [['routes/rescue.test.ts', 'the files of an archived workspace are listed and handed out']],
  'Who may only read sees the list, not the files': [['routes/rescue.test.ts', 'who may, bad input, and a repository that is gone']],
  "It is kept until the project's `retainRescueDays` are over": [['services/control/sweeper.test.ts', 'idle ones go by the policy of their project, but not while something runs; rescue snapshots by theirs'], ['services/archive/sweep-decision.test.ts', 'a rescue snapshot is kept unless a time is said']],
  'An earlier snapshot stays reachable when a later one is taken.': [['services/git/rescue.test.ts', 'a second snapshot keeps the first one reachable']],
  "Refs and drafts that are the worktree's alone are kept too": [['services/git/rescue-round-trip.test.ts', "refs and drafts that are this worktree's alone"]],
  'Commits that were amended, reset or rebased away are kept too': [['services/git/rescue.test.ts', 'commits that only the log of a worktree names outlive it'], ['services/git/progress-files.test.ts', 'a log that is too long is cut, and that is said'], ['services/git/restore.test.ts', 'the branch is attached, or made again at its old commit when it is gone']],
  'The plan says how many ignored entries are left out.': [['services/archive/planned-actions.test.ts', 'the snapshot says how many ignored entries it leaves out']],
  'A submodule comes back without its files, which `git submodule update` fetches; its own commits are kept with the snapshot': [['services/archive/restore.test.ts', 'a worktree with a submodule is archived, and the own commits of that come back with a command that is told']],
  'Files at the place of a submodule that is not checked out are kept': [['services/git/submodule-remains.test.ts', 'files at the place of a submodule that is not checked out come back, and are counted before'], ['services/git/submodule-remains.test.ts', 'commits of a submodule that is not checked out any more are kept; a stash of it keeps the worktree']],
  'A repository inside keeps it in place too': [['services/git/empty-folders.test.ts', 'what git passes over beside them is told, or refused where it is a repository'], ['services/git/inspect.test.ts', 'repositories inside are named: one that is not ignored stands in the way, so does work in a submodule']],
  'Of a repository in an ignored folder the commits are kept that nobody else has': [['services/git/ignored-repositories.test.ts', 'they are kept with the snapshot, those on the stash too, and a warning says how to have them back']],
  'Pipes, sockets and devices are told as warnings, in a worktree too.': [['services/git/empty-folders.test.ts', 'what git passes over beside them is told, or refused where it is a repository']],
  'A submodule with changes, a stash or tags of its own keeps the whole worktree in place': [['services/git/rescue.test.ts', 'the own commits of a submodule are kept, its changes make it fail, one without is only mentioned'], ['services/git/submodules.test.ts', 'changes, files, commits and stashes at any depth; nothing where nothing is checked out']],
  'Everything comes back as it was': [['services/archive/restore.test.ts', 'staged, modified, deleted and untracked files, modes and links come back as they were']],
  'Folders of untracked files and empty ones get their permissions back.': [['services/git/empty-folders.test.ts', 'folders of untracked files and empty ones get their permissions back']],
  'Empty folders are made again': [['services/git/empty-folders.test.ts', 'through a snapshot and back, without those of ignored folders and submodules'], ['services/git/empty-folders.test.ts', 'too many are cut, and that is said']],
  'A merged branch that was deleted comes back': [['services/archive/restore.test.ts', 'a merged branch that was deleted comes back']],
  'A branch that has moved since, or is checked out elsewhere, is left alone': [['services/archive/restore.test.ts', 'a branch that has moved since is left alone: the work comes back on a new one, and that is said']],
  '`startServices` starts the services that should run': [['routes/archive.test.ts', 'a restore starts the services that should run, when it is asked to']],
  'What stands at the place by now is not touched': [['services/archive/restore.test.ts', 'a folder that is no worktree any more is not taken for one; out of the way, what is kept comes back'], ['services/archive/restore.test.ts', "a link that was put at the place, even to somebody's worktree, is not taken for the workspace's own"], ['services/archive/restore.test.ts', 'what stands at the place later is not taken over']],
  'A restore that fails leaves it archived': [['services/archive/restore.test.ts', 'a restore that can not be done leaves the workspace archived and the snapshot in place']],
  'After a crash at any step the next start finishes it or puts it back.': [['services/archive/finish-interrupted.test.ts', 'cut off while the folder was being deleted'], ['services/archive/finish-interrupted.test.ts', 'a restore cut off before the files were put back: taken back, what was in the folder kept'], ['services/archive/remove-plain-folder.test.ts', 'a crash at any step ends well at the next start'], ['e2e/crash.test.ts', 'a kill during a job, a start and an archive']],
  'An archive can be cancelled until it removes files': [['services/control/cancel-steps.test.ts', 'an archive before it removes anything: the files stay; its teardown command alone: a warning'], ['services/control/cancel-steps.test.ts', 'an archive that removes the files can not be cancelled, and tells how to have them back']],
  'A clean-up that failed is tried again by the sweeper': [['services/control/sweeper.test.ts', 'a failed clean-up is tried again when its pause is over']],
  'Two archives at once do it once.': [['services/control/archive.test.ts', 'two archives at once: one does it, the other gets its result or a 409']]
}

t.test('each claim names tests that are there', async t => {
  const claims = [...page.matchAll(/^- \*\*([\s\S]+?)\*\*/gm)].map(match => (match[1] ?? '').replace(/\s+/g, ' '))
  t.same(claims.toSorted(), Object.keys(backedBy).toSorted(), 'the bold sentences of the page are those of this list')
  const files = new Map<string, string>()
  for (const [file, title] of Object.values(backedBy).flat()) {
    const source = files.get(file) ?? await readFile(join(checkout, 'test', file), 'utf8')
    files.set(file, source)
    t.ok(['\'', '`', '"'].some(quote => source.includes(`${quote}${title}`)), `${file}: ${title}`)
  }
})

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`its commands work as pasted (${kind})`, async t => {
    t.same(await runExample(t, kind), ['ready_with_warnings', 'true', 'archived', 'untracked notes.txt', 'an idea', 'active', 'an idea'])
  })
}
