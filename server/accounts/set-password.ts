import { createAuth } from './auth.ts'
import { type AccountDeps, userIdOf } from './create-account.ts'
import { checkPassword } from './password.ts'

/**
 * Sets an account's password and signs it out everywhere. Its API keys stay valid.
 * @throws {UnknownUser}
 * @throws {WeakPassword}
 */
export async function setPassword(
  email: string,
  password: string,
  { db, settings }: AccountDeps,
): Promise<void> {
  checkPassword(password)
  await db.transaction(async (transaction) => {
    const userId = await userIdOf(email, transaction)
    const { internalAdapter, password: hashing } = await createAuth(transaction, settings).$context
    const hash = await hashing.hash(password)
    if (await internalAdapter.findCredentialAccount(userId))
      await internalAdapter.updatePassword(userId, hash)
    else
      await internalAdapter.createAccount({
        userId,
        providerId: 'credential',
        accountId: userId,
        password: hash,
      })
    await internalAdapter.deleteUserSessions(userId)
  })
}
