/** The tables as Kysely sees them; a test compares every column with the live schema. */
import type { Insertable, Selectable, Updateable } from 'kysely'
import type { AgentsTable, CompaniesTable, IssuesTable, ProjectsTable, ProjectWorkspacesTable } from './tables/directory.ts'
import type { ExecutionWorkspacesTable, PortReservationsTable, RunLeasesTable, RuntimeServicesTable, RuntimeServiceUsesTable, StrayFoldersTable, WorkspaceLocksTable, WorkspaceOperationsTable } from './tables/execution.ts'
import type { ActivityLogTable, ApiKeysTable, CompanyEventMarksTable, CompanyEventsTable, HostsTable, IdempotencyKeysTable } from './tables/ledger.ts'
import type { WebhookDeliveriesTable, WebhookDispatchTable, WebhooksTable } from './tables/webhooks.ts'

export type { JsonObject } from './tables/columns.ts'

export interface Tables {
  hosts: HostsTable
  companies: CompaniesTable
  projects: ProjectsTable
  project_workspaces: ProjectWorkspacesTable
  agents: AgentsTable
  issues: IssuesTable
  execution_workspaces: ExecutionWorkspacesTable
  runtime_services: RuntimeServicesTable
  workspace_operations: WorkspaceOperationsTable
  workspace_locks: WorkspaceLocksTable
  run_leases: RunLeasesTable
  runtime_service_uses: RuntimeServiceUsesTable
  port_reservations: PortReservationsTable
  stray_folders: StrayFoldersTable
  activity_log: ActivityLogTable
  company_events: CompanyEventsTable
  company_event_marks: CompanyEventMarksTable
  webhooks: WebhooksTable
  webhook_deliveries: WebhookDeliveriesTable
  webhook_dispatch: WebhookDispatchTable
  api_keys: ApiKeysTable
  idempotency_keys: IdempotencyKeysTable
}

export type Row<T extends keyof Tables> = Selectable<Tables[T]>
export type NewRow<T extends keyof Tables> = Insertable<Tables[T]>
export type RowPatch<T extends keyof Tables> = Updateable<Tables[T]>
