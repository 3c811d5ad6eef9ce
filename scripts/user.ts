import { withServices } from './with-services.ts'

process.exitCode = await withServices(
  ['postgres'],
  'server/accounts/user-command.ts',
  process.argv.slice(2),
)
