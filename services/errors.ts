/** The catalogue of everything that can go wrong on purpose: code, status, title. */
import createError from '@fastify/error'

/** One invalid place of a request: where (a JSON pointer) and what is wrong there. */
export interface InvalidPlace {
  pointer: string
  message: string
}

/** Members a problem document may carry beside the standard ones. */
export interface ProblemMembers {
  errors?: readonly InvalidPlace[]
  closeReadiness?: unknown
  /** The operation that failed, or the one that holds what was asked for. */
  operationId?: string
  [member: string]: unknown
}

export interface ProblemOptions {
  members?: ProblemMembers
  headers?: Record<string, string>
  cause?: unknown
}

/** An error that is an answer: its `detail` may be shown to the client as it is. */
export interface Problem extends Error {
  code: string
  statusCode: number
  title: string
  detail: string
  members: ProblemMembers
  headers: Record<string, string>
}

export type ProblemClass = new (detail: string, options?: ProblemOptions) => Problem

/** Every problem class by its code, for the document and the tests that compare them. */
export const catalogue = new Map<string, { status: number, title: string }>()

function define (code: string, status: number, title: string): ProblemClass {
  catalogue.set(code, { status, title })
  const Base = createError<[string, { cause?: unknown }]>(code, '%s', status)
  return class extends Base {
    readonly title = title
    readonly detail: string
    readonly members: ProblemMembers
    readonly headers: Record<string, string>
    override readonly statusCode = status
    // The base writes codes in capitals; on the wire and in the catalogue they are as given.
    override readonly code = code
    constructor (detail: string, options: ProblemOptions = {}) {
      super(detail, { cause: options.cause })
      this.detail = detail
      this.members = options.members ?? {}
      this.headers = options.headers ?? {}
    }
  }
}

/** True for errors of this catalogue, whichever module made them. */
export function isProblem (error: unknown): error is Problem {
  return error instanceof Error && 'detail' in error && 'members' in error && 'code' in error &&
    typeof error.code === 'string' && catalogue.has(error.code)
}

// 400: the request is malformed
export const BadRequest = define('bad_request', 400, 'Malformed request')
export const InvalidInput = define('invalid_input', 400, 'Invalid input')
export const InvalidCursor = define('invalid_cursor', 400, 'Invalid cursor')

// 401, 403
export const Unauthenticated = define('unauthenticated', 401, 'Authentication needed')
export const Forbidden = define('forbidden', 403, 'Not allowed')
export const ForeignOrigin = define('foreign_origin', 403, 'Foreign host or origin')
export const ForbiddenForAgents = define('forbidden_for_agents', 403, 'Agents may not write what the host executes')

// 404
export const NotFound = define('not_found', 404, 'Not found')
export const RouteNotFound = define('route_not_found', 404, 'No such route')
export const CommandNotFound = define('command_not_found', 404, 'No such workspace command')
export const RuntimeServiceNotFound = define('runtime_service_not_found', 404, 'No such runtime service')

// 405..415
export const MethodNotAllowed = define('method_not_allowed', 405, 'Method not allowed')
export const NotAcceptable = define('not_acceptable', 406, 'Not acceptable')
export const Conflict = define('conflict', 409, 'Conflict')
export const StillInUse = define('still_in_use', 409, 'Still in use')
export const WorkspaceBusy = define('workspace_busy', 409, 'Workspace is busy')
export const WorktreeTaken = define('worktree_taken', 409, 'Worktree belongs to another workspace')
export const CloseBlocked = define('close_blocked', 409, 'Closing is blocked')
export const WorkspaceStateConflict = define('workspace_state_conflict', 409, 'The workspace is in another state')
export const EventsGone = define('events_gone', 410, 'Events are not kept any more')
export const OperationEnded = define('operation_ended', 409, 'The operation has ended')
export const OperationCancelled = define('operation_cancelled', 409, 'The operation was cancelled')
export const NotCancellable = define('not_cancellable', 409, 'The operation can not be cancelled now')
export const PreconditionFailed = define('precondition_failed', 412, 'Changed since you read it')
export const PayloadTooLarge = define('payload_too_large', 413, 'Body too large')
export const UriTooLong = define('uri_too_long', 414, 'URL too long')
export const UnsupportedMediaType = define('unsupported_media_type', 415, 'Unsupported media type')

// 422: understood, but impossible
export const Unprocessable = define('unprocessable', 422, 'Impossible as asked')
export const InvalidRuntimeConfig = define('invalid_runtime_config', 422, 'Invalid runtime config')
export const InvalidReference = define('invalid_reference', 422, 'Refers to something that does not exist')
export const PathNotAllowed = define('path_not_allowed', 422, 'Path not allowed')
export const RepositoryUnusable = define('repository_unusable', 422, 'Repository can not be used')
export const BaseRefNotFound = define('base_ref_not_found', 422, 'Base does not exist')
export const BranchNameInvalid = define('branch_name_invalid', 422, 'Branch name can not be used')
export const BranchMissing = define('branch_missing', 422, 'The recorded branch is gone')
export const WorktreeMismatch = define('worktree_mismatch', 422, 'The folder is not the expected worktree')
export const ProvisionFailed = define('provision_failed', 422, 'Provisioning failed')
export const NoLocalPath = define('no_local_path', 422, 'The workspace has no local path')
export const NoRuntimeConfig = define('no_runtime_config', 422, 'No runtime config')
export const ServiceIndexOutOfRange = define('service_index_out_of_range', 422, 'No service with this index')
export const WrongAction = define('wrong_action', 422, 'Action does not fit the command')
export const CommandDisabled = define('command_disabled', 422, 'The command is disabled')
export const ServiceStartFailed = define('service_start_failed', 422, 'The service did not start')
export const StopIncomplete = define('stop_incomplete', 422, 'Not everything could be stopped')
export const CommandNotStarted = define('command_not_started', 422, 'The command could not be started')
export const StatusNotSettable = define('status_not_settable', 422, 'This status is set by the system')
export const RescueFailed = define('rescue_failed', 422, 'The rescue snapshot could not be made')
export const RestoreFailed = define('restore_failed', 422, 'The workspace could not be restored')
export const RescueUnreadable = define('rescue_unreadable', 422, 'The rescue snapshot can not be read')
export const WebhookUrlNotAllowed = define('webhook_url_not_allowed', 422, 'Nothing may be sent there')
export const IdempotencyMismatch = define('idempotency_mismatch', 422, 'Idempotency key used for another request')

// 429, 5xx
export const TooManyRequests = define('too_many_requests', 429, 'Too many requests')
export const InternalError = define('internal_error', 500, 'Internal error')
export const Unavailable = define('unavailable', 503, 'Not ready')
export const InsufficientStorage = define('insufficient_storage', 507, 'Disk nearly full')
