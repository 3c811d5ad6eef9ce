import { sql } from 'drizzle-orm'
import { user } from './schema.ts'

export type Role = 'admin' | 'user'

/** @param roles comma-separated, as better-auth stores them */
export function roleOf(roles: string | null | undefined): Role {
  return roles?.split(',').includes('admin') ? 'admin' : 'user'
}

export interface Suspension {
  banned?: boolean | null
  /** Null: never. */
  banExpires?: Date | null
}

/** better-auth clears an expired suspension only at the user's next sign-in, so check its end. */
export function isBanned({ banned, banExpires }: Suspension, now: Date): boolean {
  return banned === true && (banExpires == null || banExpires > now)
}

/** The negation of {@link isBanned} as a query condition, by the database's clock. */
export const notBanned = sql`(${user.banned} is not true or ${user.banExpires} <= now())`
