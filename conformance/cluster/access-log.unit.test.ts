import { expect } from 'chai';
import { parseAccessLog } from './access-log.js';

const order = 'order.shop.svc.cluster.local';
const lines = [
  // The agent's own.
  '2026-11-27T05:00:00.000000Z\tinfo\tcache\tgenerated new workload certificate',
  `[2026-11-27T05:00:01.000Z] "POST /meshmart.order.v1.OrderService/GetOrder HTTP/2" 200 - via_upstream - "-" 5 20 3 2 "-" "grpc-node-js/1.14.7" "84961386-6d84" "${order}:50051" "10.244.0.9:50051" outbound|50051|stable|${order} 10.244.0.8:41000 10.96.1.1:50051 10.244.0.8:40000 - within-1000ms`,
  `[2026-11-27T05:00:02.000Z] "POST /meshmart.order.v1.OrderService/GetVerdict HTTP/2" 200 - rbac_access_denied_matched_policy[none] - "-" 5 0 0 - "-" "-" "84961386-6d85" "${order}:50051" "-" inbound|50051|| - 10.244.0.9:50051 10.244.0.8:40000 outbound_.50051_._.${order} -`,
  '[2026-11-27T05:00:03.000Z] "- - -" 0 - - - "-" 120 340 5 - "-" "-" "-" "-" "10.244.0.7:8500" outbound|8500||consul.shop.svc.cluster.local 10.244.0.8:41001 10.96.1.2:8500 10.244.0.8:40001 - -',
  '[2026-11-27T05:00:04.000Z] "- - -" 0 UF,URX - - "TLS_error" 0 0 5 - "-" "-" "-" "-" "10.244.0.7:50051" PassthroughCluster 10.244.0.8:41001 10.244.0.7:50051 10.244.0.8:40001 - -',
];

describe('the access log of a sidecar', () => {
  it('tells of requests and connections where they went, and under which authority', () => {
    expect(parseAccessLog(lines.join('\n'))).to.deep.equal([
      {
        path: '/meshmart.order.v1.OrderService/GetOrder',
        protocol: 'HTTP/2',
        status: '200',
        flags: '-',
        details: 'via_upstream',
        authority: `${order}:50051`,
        cluster: `outbound|50051|stable|${order}`,
      },
      {
        path: '/meshmart.order.v1.OrderService/GetVerdict',
        protocol: 'HTTP/2',
        status: '200',
        flags: '-',
        details: 'rbac_access_denied_matched_policy[none]',
        authority: `${order}:50051`,
        cluster: 'inbound|50051||',
      },
      {
        path: '-',
        protocol: '-',
        status: '0',
        flags: '-',
        details: '-',
        authority: '-',
        cluster: 'outbound|8500||consul.shop.svc.cluster.local',
      },
      {
        path: '-',
        protocol: '-',
        status: '0',
        flags: 'UF,URX',
        details: '-',
        authority: '-',
        cluster: 'PassthroughCluster',
      },
    ]);
  });
});
