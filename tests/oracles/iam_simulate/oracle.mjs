// Reads scenarios of `auditseal policy simulate` as JSON lines, answers with the decisions of iam-simulate, one line each.
// argv: the folder of node_modules. A process of its own: that library is AGPL and no part of this product.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const entry = join(process.argv[2], '@cloud-copilot/iam-simulate/dist/esm/index.js')
const { runSimulation, anonymousPrincipal } = await import(pathToFileURL(entry))

const named = (list, prefix) => (list ?? []).map((policy, index) => ({ name: `${prefix}${index}`, policy }))
const levels = (list) => (list ?? []).map((policies, index) => ({ orgIdentifier: `o${index}`, policies: named(policies, `p${index}-`) }))

const translate = (s) => ({
  request: {
    principal: s.principal === 'anonymous' ? anonymousPrincipal : s.principal,
    action: s.action,
    resource: { resource: s.resource, accountId: s.resource_account },
    contextVariables: s.context,
  },
  identityPolicies: named(s.identity_policies, 'identity'),
  serviceControlPolicies: levels(s.service_control_policies),
  resourceControlPolicies: levels(s.resource_control_policies),
  resourcePolicy: s.resource_policy,
  permissionBoundaryPolicies: s.permissions_boundary ? named([s.permissions_boundary], 'boundary') : undefined,
  vpcEndpointPolicies: s.vpc_endpoint_policy ? named([s.vpc_endpoint_policy], 'endpoint') : undefined,
  sessionPolicy: s.session_policy,
  additionalSettings: s.block_public_access ? { s3: { blockPublicAccess: true } } : undefined,
})

const decisions = { Allowed: 'allowed', ImplicitlyDenied: 'implicit_deny', ExplicitlyDenied: 'explicit_deny' }
for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const found = await runSimulation(translate(JSON.parse(line)), { simulationMode: 'Strict' })
    answer =
      found.resultType === 'single'
        ? { decision: decisions[found.overallResult], ignored: found.result.ignoredContextKeys ?? [] }
        : { error: found.resultType === 'error' ? JSON.stringify(found.errors) : found.resultType }
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
