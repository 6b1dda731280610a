/** Makes branch names from templates and free text; decides nothing about a repository. */

/** Names longer than this get unwieldy as folders and refs. */
export const MAX_BRANCH_NAME_LENGTH = 120

/** Lower-case words joined by single hyphens, from any text: `Añadir login!` gives `anadir-login`. '' when nothing is left. */
export function slugify (text: string): string {
  return text.normalize('NFKD').replace(/\p{M}+/gu, '').toLowerCase()
    .replace(/['’]/g, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
}

/**
 * Makes `raw` safe as a branch name and as a folder: only `A-Za-z0-9._/-`, runs of `-` folded, none of `-/.` at
 * either end, at most 120 characters, and nothing git refuses (`..`, `//`, `/.`, `.lock`, HEAD). '' when nothing is left.
 */
export function sanitizeBranchName (raw: string): string {
  let name = raw.normalize('NFKD').replace(/\p{M}+/gu, '').replace(/[^A-Za-z0-9._/-]+/g, '-')
  // Each step can make room for another: cut until nothing changes (every step only shortens, so it ends).
  for (let before = ''; before !== name;) {
    before = name
    name = name
      .replace(/-{2,}/g, '-')
      .replace(/\.{2,}/g, '.')
      .replace(/\/{2,}/g, '/')
      .replace(/\/\.+/g, '/')
      .replace(/\.lock(\/|$)/gi, '$1')
      .replace(/^[-/.]+|[-/.]+$/g, '')
      .slice(0, MAX_BRANCH_NAME_LENGTH)
  }
  return name === 'HEAD' ? '' : name
}

export type BranchTemplateVariables = Readonly<Record<string, string | null | undefined>>

export interface RenderedTemplate {
  text: string
  /** Variables of the template that are none of those offered. */
  unknown: string[]
}

/**
 * Renders `{{issue.identifier}}-{{slug}}` with `variables` named as in the template (`issue.identifier`, `slug`, …).
 * A known variable without a value renders as ''. The text still has to go through `sanitizeBranchName`.
 */
export function renderBranchTemplate (template: string, variables: BranchTemplateVariables): RenderedTemplate {
  const unknown: string[] = []
  const text = template.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_, name: string) => {
    if (!Object.hasOwn(variables, name)) {
      unknown.push(name)
      return ''
    }
    return variables[name] ?? ''
  })
  return { text, unknown }
}
