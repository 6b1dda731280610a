/** Who may call what: a rule for every operation, told in the document and on the page about access. The decisions are made in `services/access/`. */

/** What each rule asks of who calls, in words. */
export const accessRules = {
  open: 'Anybody, without saying who they are.',
  known: 'Whoever says who they are; what they may not see is left out.',
  'instance admin': 'Instance admins.',
  'company: read': 'Active members of the company, viewers too; its agents.',
  'company: manage': 'Active members of the company but viewers; agents by the agent rule.',
  'company: administer': 'Owners and admins of the company.',
  'workspace: read': 'Who may read its company; for everybody else it does not exist.',
  'workspace: manage': 'Who may read its company, but viewers; agents by the agent rule. For everybody else it does not exist.'
} as const

export type AccessRule = keyof typeof accessRules

const byRule: Record<AccessRule, readonly string[]> = {
  open: ['getHealth', 'getReadiness', 'getMetrics', 'getOpenapiDocument'],
  known: ['listCompanies', 'listRunOperations', 'releaseRunLeases'],
  'instance admin': ['createCompany', 'sweep'],
  'company: read': [
    'getCompany', 'listProjects', 'getProject', 'listProjectWorkspaces', 'getProjectWorkspace', 'listAgents', 'getAgent', 'listIssues', 'getIssue',
    'listExecutionWorkspaces', 'listActivity', 'streamCompanyEvents', 'listWebhooks', 'getWebhook', 'listWebhookDeliveries', 'getWebhookDelivery'
  ],
  'company: manage': ['createExecutionWorkspace'],
  'company: administer': [
    'putCompany', 'deleteCompany', 'createProject', 'putProject', 'deleteProject', 'createProjectWorkspace', 'putProjectWorkspace', 'deleteProjectWorkspace',
    'createAgent', 'putAgent', 'deleteAgent', 'createIssue', 'putIssue', 'deleteIssue', 'createWebhook', 'updateWebhook', 'deleteWebhook', 'rotateWebhookSecret',
    'testWebhook', 'redeliverWebhookDelivery', 'listApiKeys', 'createApiKey', 'getApiKey', 'revokeApiKey'
  ],
  'workspace: read': [
    'getExecutionWorkspace', 'listWorkspaceCommands', 'getRuntimeService', 'getRuntimeServiceLog', 'streamRuntimeServiceLog', 'getCloseReadiness',
    'explainExecutionWorkspace', 'getWorkspaceRescue', 'listLeases', 'listWorkspaceOperations', 'getWorkspaceOperation',
    'getWorkspaceOperationLog', 'streamWorkspaceOperationLog'
  ],
  'workspace: manage': [
    'updateExecutionWorkspace', 'controlRuntimeServices', 'controlProjectRuntimeServices', 'controlRuntimeCommands', 'controlProjectRuntimeCommands',
    // What was in a worktree may be secret: reading it is for who could run things there.
    'getRescuedFile', 'archiveExecutionWorkspace', 'restoreExecutionWorkspace', 'acquireLease', 'renewLease', 'reportAdapterServices', 'cancelWorkspaceOperation'
  ]
}

/** The rule of an operation of the document, by its id; undefined for one that has none yet. */
export function accessRuleOf (operationId: string): AccessRule | undefined {
  return (Object.keys(byRule) as AccessRule[]).find(rule => byRule[rule].includes(operationId))
}

/** Who calls: people by their membership, agents by their work, and those who come with nothing that holds. */
export const callers = {
  'nobody, or with a key that was revoked or has expired': 'nobody',
  'a viewer': 'viewer',
  'a member': 'member',
  'an admin or owner': 'admin',
  'a person of another company, or whose membership is not active': 'outsider',
  'an instance admin': 'instance admin',
  'an agent whose work it is, or that of somebody below it; the role `ceo`': 'working agent',
  'another agent of the company': 'idle agent',
  'an agent of another company': 'outsider',
  'an agent that was terminated': 'terminated'
} as const

export type CallerKind = typeof callers[keyof typeof callers]

/** How a call is answered: `yes` is let through, a number is the status of the refusal. */
export type Verdict = 'yes' | 401 | 403 | 404

/** The table of rule by caller. */
export const verdicts: Record<AccessRule, Record<CallerKind, Verdict>> = {
  open: row('yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes'),
  known: row(401, 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', 403),
  'instance admin': row(401, 403, 403, 403, 403, 'yes', 403, 403, 403),
  'company: read': row(401, 'yes', 'yes', 'yes', 403, 'yes', 'yes', 'yes', 403),
  'company: manage': row(401, 403, 'yes', 'yes', 403, 'yes', 'yes', 403, 403),
  'company: administer': row(401, 403, 403, 'yes', 403, 'yes', 403, 403, 403),
  'workspace: read': row(401, 'yes', 'yes', 'yes', 404, 'yes', 'yes', 'yes', 403),
  'workspace: manage': row(401, 403, 'yes', 'yes', 404, 'yes', 'yes', 403, 403)
}

function row (nobody: Verdict, viewer: Verdict, member: Verdict, admin: Verdict, outsider: Verdict, instanceAdmin: Verdict, workingAgent: Verdict, idleAgent: Verdict, terminated: Verdict): Record<CallerKind, Verdict> {
  return { nobody, viewer, member, admin, outsider, 'instance admin': instanceAdmin, 'working agent': workingAgent, 'idle agent': idleAgent, terminated }
}

/** The table as Markdown, for the page about access. */
export function accessTable (): string {
  const kinds = Object.entries(callers)
  const rules = Object.keys(accessRules) as AccessRule[]
  return [
    `| | ${rules.join(' | ')} |`,
    `|---|${rules.map(() => '---').join('|')}|`,
    ...kinds.map(([words, kind]) => `| ${words} | ${rules.map(rule => verdicts[rule][kind]).join(' | ')} |`)
  ].join('\n')
}

/** Every operation under its rule, as Markdown. */
export function accessList (): string {
  return (Object.keys(accessRules) as AccessRule[]).map(rule => `- **${rule}**: ${accessRules[rule]} ${byRule[rule].map(id => `\`${id}\``).join(', ')}`).join('\n')
}
