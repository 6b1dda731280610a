/** The floor for reads: Fastify and a pg pool, the same rows, nothing else. Prints its port. */
import fastify from 'fastify'
import pg from 'pg'

const app = fastify()
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] })

app.get('/one/:id', async request => {
  const { id } = request.params as { id: string }
  const workspace = await pool.query('select * from execution_workspaces where id = $1', [id])
  const services = await pool.query('select * from runtime_services where execution_workspace_id = $1', [id])
  return { ...workspace.rows[0], runtimeServices: services.rows }
})

app.get('/list/:companyId', async request => {
  const { companyId } = request.params as { companyId: string }
  const { rows } = await pool.query('select * from execution_workspaces where company_id = $1 order by last_used_at desc, created_at desc, id desc limit 101', [companyId])
  const services = await pool.query('select * from runtime_services where execution_workspace_id = any($1)', [rows.map(row => row.id)])
  return rows.map(row => ({ ...row, runtimeServices: services.rows.filter(service => service.execution_workspace_id === row.id) }))
})

app.get('/operations/:id', async request => {
  const { id } = request.params as { id: string }
  const { rows } = await pool.query('select * from workspace_operations where execution_workspace_id = $1 order by seq desc limit 101', [id])
  return rows
})

await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
console.log(`listens at http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)
process.once('SIGTERM', () => { app.close().then(() => pool.end()).finally(() => process.exit(0)) })
