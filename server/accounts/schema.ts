import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'

// The names of tables and properties in the first four are better-auth's; a test compares them with
// what it expects.

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })

export const user = pgTable('user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  /** In lower case. */
  email: text('email').notNull().unique(),
  emailVerified: boolean('email_verified').notNull().default(false),
  image: text('image'),
  createdAt: time('created_at').notNull().defaultNow(),
  updatedAt: time('updated_at').notNull().defaultNow(),
  /** `admin` or `user`; better-auth keeps several as a list with commas. */
  role: text('role'),
  banned: boolean('banned').default(false),
  banReason: text('ban_reason'),
  /** Null: for good. */
  banExpires: time('ban_expires'),
})

const owner = () =>
  text('user_id')
    .notNull()
    .references(() => user.id, { onDelete: 'cascade' })

export const session = pgTable(
  'session',
  {
    id: text('id').primaryKey(),
    token: text('token').notNull().unique(),
    userId: owner(),
    expiresAt: time('expires_at').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    impersonatedBy: text('impersonated_by'),
  },
  (table) => [index('session_of_user').on(table.userId)],
)

/** A way to sign in; here always `credential`, with the password's hash. */
export const account = pgTable(
  'account',
  {
    id: text('id').primaryKey(),
    userId: owner(),
    providerId: text('provider_id').notNull(),
    accountId: text('account_id').notNull(),
    password: text('password'),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: time('access_token_expires_at'),
    refreshTokenExpiresAt: time('refresh_token_expires_at'),
    scope: text('scope'),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('account_of_user').on(table.userId),
    uniqueIndex('account_of_provider').on(table.providerId, table.accountId),
  ],
)

export const verification = pgTable(
  'verification',
  {
    id: text('id').primaryKey(),
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: time('expires_at').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [index('verification_by_identifier').on(table.identifier)],
)

/** Ours: docs/decisions/006-accounts.md says why. */
export const apiKey = pgTable(
  'api_key',
  {
    id: text('id').primaryKey(),
    userId: owner(),
    name: text('name').notNull(),
    /**
     * SHA-256 of the key, in hex. The key has 256 random bits, so a slow hash with salt would add
     * nothing.
     */
    hash: text('hash').notNull().unique(),
    createdAt: time('created_at').notNull().defaultNow(),
    /** Exact to a minute. */
    lastUsedAt: time('last_used_at'),
    /** Null: never. */
    expiresAt: time('expires_at'),
    revokedAt: time('revoked_at'),
  },
  (table) => [
    uniqueIndex('api_key_name_in_use')
      .on(table.userId, table.name)
      .where(sql`${table.revokedAt} is null`),
  ],
)
