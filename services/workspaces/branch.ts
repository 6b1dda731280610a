/** Names the branch of a new workspace. Pure. */
import { BranchNameInvalid } from '../errors.ts'
import { renderBranchTemplate, sanitizeBranchName, slugify } from '../git/branch-name.ts'

export const defaultBranchTemplate = '{{issue.identifier}}-{{slug}}'

export interface BranchWish {
  /** Null or absent: the default one. */
  template: string | null | undefined
  workspaceId: string
  /** The workspace's name, if the request gave one. */
  name: string | null
  projectId: string
  repoRef: string | null
  issue: { id: string, identifier: string | null, title: string } | null
  agent: { id: string, name: string } | null
}

// Enough to tell workspaces without an issue and a name apart.
const shortIdChars = 8

/**
 * The branch a workspace gets: the rendered template, made safe. The default template always gives one.
 * @throws BranchNameInvalid (422) when a template has unknown variables or nothing usable is left of it
 */
export function nameBranch (wish: BranchWish): string {
  const { template, issue, agent } = wish
  const slug = slugify(issue?.title ?? wish.name ?? '')
  const { text, unknown } = renderBranchTemplate(template ?? defaultBranchTemplate, {
    'issue.id': issue?.id,
    'issue.identifier': issue?.identifier,
    'issue.title': issue?.title,
    'agent.id': agent?.id,
    'agent.name': agent?.name,
    'project.id': wish.projectId,
    'workspace.repoRef': wish.repoRef,
    slug
  })
  if (unknown.length > 0) throw invalid(`has unknown variables: ${unknown.join(', ')}`)
  const branch = sanitizeBranchName(text)
  if (branch !== '') return branch
  if (template != null) throw invalid(`renders to ${JSON.stringify(text)}, of which nothing is left for a branch name`)
  return `workspace-${wish.workspaceId.slice(0, shortIdChars)}`
}

function invalid (message: string): Error {
  return new BranchNameInvalid(`The branch template ${message}.`, {
    members: { errors: [{ pointer: '/workspaceStrategy/branchTemplate', message }] }
  })
}
