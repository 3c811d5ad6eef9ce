import { withServices } from './with-services.ts'

process.exitCode = await withServices(
  ['postgres'],
  'server/accounts/apikey-command.ts',
  process.argv.slice(2),
)
