/** The text of /metrics. */
import t from 'tap'
import { createMetrics } from '../../plugins/metrics.ts'

t.test('requests are counted and their times put into growing buckets', async t => {
  const metrics = createMetrics()
  metrics.countRequest('GET', '/a', 200, 0.003)
  metrics.countRequest('GET', '/a', 200, 0.2)
  metrics.countRequest('GET', '/a', 404, 100)
  const text = await metrics.render()
  t.match(text, 'berth_http_requests_total{method="GET",route="/a",status="200"} 2\n')
  t.match(text, 'berth_http_requests_total{method="GET",route="/a",status="404"} 1\n')
  t.match(text, 'berth_http_request_duration_seconds_bucket{method="GET",route="/a",le="0.005"} 1\n')
  t.match(text, 'berth_http_request_duration_seconds_bucket{method="GET",route="/a",le="0.25"} 2\n')
  t.match(text, 'berth_http_request_duration_seconds_bucket{method="GET",route="/a",le="60"} 2\n')
  t.match(text, 'berth_http_request_duration_seconds_bucket{method="GET",route="/a",le="+Inf"} 3\n')
  t.match(text, 'berth_http_request_duration_seconds_count{method="GET",route="/a"} 3\n')
})

t.test('a gauge is asked when the text is made; one that fails hides no other', async t => {
  const metrics = createMetrics()
  let value = 1
  metrics.addGauge('broken', 'Never.', () => { throw new Error('no') })
  metrics.addGauge('services_live', 'Live services.', async () => value)
  t.match(await metrics.render(), '# TYPE berth_services_live gauge\nberth_services_live 1\n')
  value = 2
  const text = await metrics.render()
  t.match(text, 'berth_services_live 2\n')
  t.notMatch(text, 'broken')
})

t.test('label values are escaped', async t => {
  const metrics = createMetrics()
  metrics.countRequest('GET', '/"\\\n', 200, 0)
  t.match(await metrics.render(), 'route="/\\"\\\\\\n"')
})
