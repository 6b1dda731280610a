/** Templates of commands, folders, variables and URLs: `{{workspace.cwd}}` and the like; `\{{` is a plain `{{`. */
import { Unprocessable } from '../errors.ts'
import { createShellReader, type ShellContext } from './shell-context.ts'

/** What a template can speak of. A null is known but empty: it becomes an empty text, except for ports and URLs. */
export interface TemplateScope {
  workspace: {
    cwd: string | null
    branchName: string | null
    worktreePath: string | null
    repoUrl: string | null
    repoRef: string | null
    /** The environment the command will have, for `workspace.env.NAME`. */
    env: Readonly<Record<string, string>>
  }
  project: { id: string | null }
  issue: { id: string, identifier: string | null, title: string | null } | null
  agent: { id: string, name: string | null } | null
  /** A short name made of the issue's title or the workspace's name. */
  slug: string | null
  port: number | null
  /** Started services by name. */
  services: Readonly<Record<string, { port: number | null, url: string | null }>>
}

/** Shell text with variables in place of values, and those variables. */
export interface RenderedCommand {
  command: string
  /** To be added to the command's environment. */
  env: Record<string, string>
}

/**
 * A place in a template: a name to look up, or a `{{` that was meant as it is. Names begin with a
 * letter, so that other programs' templates (`docker ps --format '{{.Names}}'`) pass as they are.
 */
const placeholder = /\\\{\{|\{\{\s*([A-Za-z_][^{}]*?)\s*\}\}/g

const knownNames = [
  'workspace.cwd', 'workspace.branchName', 'workspace.worktreePath', 'workspace.repoUrl', 'workspace.repoRef',
  'project.id', 'issue.id', 'issue.identifier', 'issue.title', 'agent.id', 'agent.name', 'slug', 'port'
]
const serviceName = /^services\.(.+)\.(port|url)$/s
const variableName = /^workspace\.env\.(.+)$/s

/** A value of these characters means the same to any shell, however often it is parsed. */
const inertText = /^[\w@%+=:,./-]*$/
/** Words that parse their arguments as shell text once more: `eval`, `sh -c`. */
const parsesAgain = /(?:^|[\s;&|(])(?:eval|(?:\S*\/)?(?:ba|da|z|k|a)?sh\s+(?:-\S+\s+)*-\w*c)\s/

/** The names in a template that no scope could ever hold, for checking a config when it is written. */
export function unknownNames (template: string): string[] {
  return namesIn(template).filter(name => !knownNames.includes(name) && !serviceName.test(name) && !variableName.test(name))
}

/** The services a template speaks of. */
export function namedServices (template: string): string[] {
  return [...new Set(namedAddresses(template).map(({ service }) => service))]
}

/** The ports and URLs of services that a template speaks of. */
export function namedAddresses (template: string): { service: string, part: 'port' | 'url' }[] {
  return namesIn(template).flatMap(name => {
    const [, service, part] = serviceName.exec(name) ?? []
    return service === undefined ? [] : [{ service, part: part === 'port' ? 'port' : 'url' }]
  })
}

/** True when a template speaks of the command's own port. */
export function namesPort (template: string): boolean {
  return namesIn(template).includes('port')
}

/** The template with a `1` for each value: for looking at its form when no value is known yet. */
export function withStandIns (template: string): string {
  return template.replace(placeholder, (_all, name: string | undefined) => name === undefined ? '{{' : '1')
}

/** Each name in a template once, in its order. */
function namesIn (template: string): string[] {
  return [...new Set([...template.matchAll(placeholder)].flatMap(([, name]) => name ?? []))]
}

/**
 * The template with its values put in.
 * @throws Unprocessable naming what is unknown or has no value
 */
export function renderText (template: string, scope: TemplateScope): string {
  return template.replace(placeholder, (_all, name: string | undefined) => name === undefined ? '{{' : valueOf(name, scope))
}

/**
 * Shell text in which each value is a reference to a variable, fitted to the quotes around it, so that
 * no value is ever parsed as shell text.
 * @throws Unprocessable naming what is unknown, has no value, or stands where it would be parsed again
 */
export function renderCommand (template: string, scope: TemplateScope): RenderedCommand {
  const reader = createShellReader()
  const variables = new Map<string, string>()
  const env: Record<string, string> = {}
  let command = ''
  let end = 0
  const copy = (text: string) => {
    reader.read(text)
    command += text
  }
  for (const match of template.matchAll(placeholder)) {
    const [all, name] = match
    copy(template.slice(end, match.index))
    end = match.index + all.length
    if (name === undefined) {
      copy('{{')
      continue
    }
    const value = valueOf(name, scope)
    const variable = variables.get(name) ?? `BERTH_VALUE_${variables.size + 1}`
    variables.set(name, variable)
    env[variable] = value
    requireParsedOnce(name, value, template.slice(0, match.index))
    command += referenceTo(variable, reader.context(), { name, value, before: command })
  }
  copy(template.slice(end))
  return { command, env }
}

function referenceTo (variable: string, context: ShellContext, { name, value, before }: { name: string, value: string, before: string }): string {
  const expansion = `\${${variable}}`
  if (context === 'single') return `'"${expansion}"'`
  if (context === 'bare') return `"${expansion}"`
  // A `$` right before would take the brace for its own.
  if (context === 'double') return before.endsWith('$') ? `""${expansion}` : expansion
  if (context === 'literal-heredoc') throw new Unprocessable(`{{${name}}} stands in a quoted here-document, where nothing is put in; leave the quotes off its end mark`)
  // Some shells run what they find in an array index of arithmetic.
  if (context === 'arithmetic' && !/^-?\d+$/.test(value)) throw new Unprocessable(`{{${name}}} stands in arithmetic and is not a whole number`)
  return expansion
}

/** Whether the place is really among such a word's arguments is not looked at: refusing is the safe side. */
function requireParsedOnce (name: string, value: string, before: string): void {
  if (inertText.test(value) || !parsesAgain.test(before)) return
  throw new Unprocessable(`{{${name}}} stands in text that eval or sh -c parses again, and its value holds characters special to a shell; use the environment there`)
}

function valueOf (name: string, scope: TemplateScope): string {
  const environment = variableName.exec(name)?.[1]
  if (environment !== undefined) return present(name, own(scope.workspace.env, environment))
  const service = serviceName.exec(name)
  if (service) return present(name, own(scope.services, service[1] ?? '')?.[service[2] === 'port' ? 'port' : 'url'])
  if (!knownNames.includes(name)) throw new Unprocessable(`The template names {{${name}}}, which is not known`)
  return name === 'port' ? present(name, scope.port) : plainValues(scope)[name] ?? ''
}

function plainValues ({ workspace, project, issue, agent, slug }: TemplateScope): Record<string, string | null | undefined> {
  return {
    'workspace.cwd': workspace.cwd,
    'workspace.branchName': workspace.branchName,
    'workspace.worktreePath': workspace.worktreePath,
    'workspace.repoUrl': workspace.repoUrl,
    'workspace.repoRef': workspace.repoRef,
    'project.id': project.id,
    'issue.id': issue?.id,
    'issue.identifier': issue?.identifier,
    'issue.title': issue?.title,
    'agent.id': agent?.id,
    'agent.name': agent?.name,
    slug
  }
}

function present (name: string, value: string | number | null | undefined): string {
  if (value === null || value === undefined) throw new Unprocessable(`The template names {{${name}}}, which has no value here`)
  return String(value)
}

function own<T> (record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
