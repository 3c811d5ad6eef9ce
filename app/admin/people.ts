import { z } from 'zod'

/** The email of each user, by user id. */
export type People = Readonly<Record<string, string>>

/** better-auth's list of users; only admins may read it. */
export const peoplePath = '/auth/admin/list-users?limit=1000'
export const PeopleAnswer = z.object({
  users: z.array(z.object({ id: z.string(), email: z.string() })),
})

export function peopleOf({ users }: z.infer<typeof PeopleAnswer>): People {
  return Object.fromEntries(users.map(({ id, email }) => [id, email]))
}
