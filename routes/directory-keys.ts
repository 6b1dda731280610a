/** Ids of a path as the directory takes them: lower case, and a place for the project where there is one. */

export interface Scope { companyId: string, projectId: string | null }
export interface Key extends Scope { id: string }

export function scopeOf ({ companyId, projectId }: { companyId: string, projectId?: string }): Scope {
  return { companyId: companyId.toLowerCase(), projectId: projectId?.toLowerCase() ?? null }
}

export function keyOf (params: { companyId: string, projectId?: string }, id: string): Key {
  return { ...scopeOf(params), id: id.toLowerCase() }
}
