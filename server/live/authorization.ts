import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import type { Principal, Revocation } from '../accounts/authenticate.ts'

/** Somebody who was let in, for as long as something of theirs is open. */
interface Admission {
  principal: Principal
  revoke(code: Revocation): void
}

export interface AuthorizationDeps {
  /** Which of these are no longer what they were when they were let in. */
  findRevoked(principals: readonly Principal[]): Promise<Map<Principal, Revocation>>
  log: Log
}

const checkEveryMs = 2_000

/**
 * Sign-outs, bans, changes of role, revoked keys and sessions that run out end what they had
 * opened: within a moment when some server tells of it, and within {@link checkEveryMs} when nobody
 * does, since all that is open is compared with the accounts that often.
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
      // It says nothing about anybody that PostgreSQL is out of reach; while it is, nobody can be
      // banned or signed out either.
      (err) => deps.log.warn({ err }, 'Could not check who may stay; will try again'),
    )
  }

  /** @param revoke is called at most once. Answers how to leave. */
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

  /** Looks now. */
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
