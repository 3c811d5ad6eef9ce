import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import type { Principal, Revocation } from '../accounts/authenticate.ts'

/** An open socket or event stream, and the principal that opened it. */
interface Admission {
  principal: Principal
  revoke(code: Revocation): void
}

export interface AuthorizationDeps {
  /** The principals whose session, key or role is no longer valid. */
  findRevoked(principals: readonly Principal[]): Promise<Map<Principal, Revocation>>
  log: Log
}

const checkEveryMs = 2_000

/**
 * Closes connections whose principal has lost its access. Every socket and event stream is admitted
 * when it opens and leaves the set when it closes. A check compares all admitted principals with
 * the accounts database and revokes those that signed out, were suspended, changed role, or whose
 * key or session ended. It runs every {@link checkEveryMs}, and at once when another server
 * announces a change of accounts.
 */
export class Authorization {
  readonly #deps: AuthorizationDeps
  readonly #admissions = new Set<Admission>()
  #timer: NodeJS.Timeout | null = null
  readonly #checking: CoalescedTask

  constructor(deps: AuthorizationDeps) {
    this.#deps = deps
    this.#checking = new CoalescedTask(
      () => this.#endRevoked(),
      // Keep the connections: without PostgreSQL, no user can be suspended or signed out either.
      (err) => deps.log.warn({ err }, 'Could not check for revoked access; will try again'),
    )
  }

  /**
   * @param revoke is called at most once
   * @returns removes the admission; call it when the connection closes
   */
  admit(principal: Principal, revoke: Admission['revoke']): () => void {
    const admission = { principal, revoke }
    this.#admissions.add(admission)
    return () => this.#admissions.delete(admission)
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), checkEveryMs)
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
  }

  /** Checks now. */
  check(): void {
    this.#checking.request()
  }

  async #endRevoked(): Promise<void> {
    if (this.#admissions.size === 0) return
    const admissions = [...this.#admissions]
    const revoked = await this.#deps.findRevoked(admissions.map(({ principal }) => principal))
    for (const admission of admissions) {
      const code = revoked.get(admission.principal)
      if (code && this.#admissions.delete(admission)) admission.revoke(code)
    }
  }
}
