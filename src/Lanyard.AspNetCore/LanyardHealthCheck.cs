using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lanyard.AspNetCore;

/// <summary>
/// Reports healthy if the node is online and its networks are up, and degraded if the node is offline but its networks have their addresses: known peers may still be
/// reachable.
/// </summary>
internal sealed class LanyardHealthCheck(LanyardHostedService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (!service.IsStarted)
            return HealthCheckResult.Unhealthy("The node has not started.");
        var node = service.Node;
        foreach (var network in node.Networks)
        {
            if (!network.IsReady)
                return HealthCheckResult.Unhealthy($"Network {network.Id} is not up: {network.Status}.");
        }

        return node.IsOnline
            ? HealthCheckResult.Healthy($"Node {node.Address} is online.")
            : HealthCheckResult.Degraded($"Node {node.Address} is offline: no root answers.");
    }
}
