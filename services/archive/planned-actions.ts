/** What archiving will do, in the order it will happen. Pure. */
import type { CloseAction } from '../../openapi/schemas/readiness.ts'
import type { CloseCommand, CloseFacts } from './facts.ts'
import { counted, listed } from './words.ts'

/** A word for `sh`, quoted only where it has to be. */
export function shellWord (text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function stopServices ({ stopping }: CloseFacts): CloseAction[] {
  if (stopping.length === 0) return []
  return [{
    kind: 'stop_runtime_services',
    label: `Stop ${counted(stopping.length, 'runtime service')}`,
    description: `Stop ${listed(stopping.map(service => service.serviceName))} with every process started by ${stopping.length === 1 ? 'it' : 'them'}.`,
    command: null
  }]
}

function rescue ({ removal, git, row }: CloseFacts): CloseAction[] {
  if (removal.kind === 'folder') {
    return [{ kind: 'rescue_snapshot', label: 'Store the folder', description: 'Store all files, folders and links in it as an archive in the data dir, from which a restore brings it back. Sockets, pipes and devices are not in it.', command: null }]
  }
  if (removal.kind !== 'worktree' && !(removal.kind === 'gone' && row.provider_type === 'git_worktree')) return []
  const ignored = git?.ignoredEntryCount ?? 0
  const left = ignored === 0 ? '' : ` ${counted(ignored, 'ignored entry is', 'ignored entries are')} not in it, small ones that the strategy names excepted.`
  return [{
    kind: 'rescue_snapshot',
    label: 'Take a rescue snapshot',
    description: `Store the tip of the branch and everything staged, modified or untracked as commits under refs/berth/rescue/${row.id}, from which a restore brings it back.${left}`,
    command: null
  }]
}

const commandLabels: Record<CloseCommand['source'], string> = {
  execution_workspace: "the workspace's",
  project_workspace: "the project workspace's",
  strategy: "the project's"
}

function runCommand ({ kind, source, command }: CloseCommand): CloseAction {
  const what = kind === 'cleanup_command' ? 'cleanup command' : 'teardown command'
  return {
    kind,
    label: `Run ${commandLabels[source]} ${what}`,
    description: `Run ${commandLabels[source]} ${what}; if it fails, archiving goes on with a warning.`,
    command
  }
}

function removeFiles ({ removal, git, row }: CloseFacts): CloseAction[] {
  if (removal.kind === 'folder') {
    return [{ kind: 'remove_local_directory', label: 'Remove the folder', description: `Remove ${removal.path}, once it was compared with what is stored.`, command: null }]
  }
  if (removal.kind !== 'worktree' && !(removal.kind === 'gone' && row.provider_type === 'git_worktree')) return []
  const description = removal.kind === 'gone'
    ? `The worktree at ${removal.path} is gone already; clear git's record of it.`
    : `Remove the worktree at ${removal.path}${git?.repoRoot ? ` of ${git.repoRoot}` : ''}.`
  return [{ kind: 'git_worktree_remove', label: 'Remove the git worktree', description, command: `git worktree remove ${shellWord(removal.path)}` }]
}

function deleteBranch ({ removal, row }: CloseFacts): CloseAction[] {
  if (!row.branch_created_by_runtime || row.branch_name === null) return []
  if (removal.kind !== 'worktree' && removal.kind !== 'gone') return []
  return [{
    kind: 'git_branch_delete',
    label: 'Delete the branch if it is merged',
    description: `Delete ${row.branch_name}, which was made for this workspace; never by force: an unmerged branch is kept.`,
    command: `git branch -d ${shellWord(row.branch_name)}`
  }]
}

/** Every step of archiving these facts lead to. Nothing for a workspace that is archived already. */
export function planActions (facts: CloseFacts): CloseAction[] {
  if (facts.row.status === 'archived') return []
  return [
    {
      kind: 'archive_record',
      label: 'Archive the workspace',
      description: 'Take the workspace out of the active ones; its record, operations and logs stay.',
      command: null
    },
    ...stopServices(facts),
    ...rescue(facts),
    ...facts.commands.map(runCommand),
    ...removeFiles(facts),
    ...deleteBranch(facts)
  ]
}
