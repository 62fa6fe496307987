using './entra.bicep'

param uniqueName = readEnvironmentVariable('EXOSEND_APP_UNIQUE_NAME', 'exosend')
param managedIdentityPrincipalId = readEnvironmentVariable('EXOSEND_IDENTITY_PRINCIPAL_ID', '')
param claimMode = bool(readEnvironmentVariable('EXOSEND_CLAIM_MODE', 'false'))
param callerRoles = bool(readEnvironmentVariable('EXOSEND_CALLER_ROLES', 'false'))
