using EndToEnd.Lab;

namespace Lanyard.Bench.Peers.Lab;

/// <summary>A ZeroTier One node with a worker on its TAP device.</summary>
internal static class ZeroTierOne
{
    /// <summary>Starts both, and gives the worker and the node's process.</summary>
    public static async Task<(Worker Worker, int Node)> StartAsync(BenchLab lab, LabHost host, string binary)
    {
        var home = await lab.NewMemberAsync(host, "zerotier");
        var node = await RealNode.StartAsync(host, binary, home);
        await node.PostAsync($"network/{lab.Network}", "{}");
        var address = (await node.WaitForAddressesAsync(lab.Network)).First(address => address.StartsWith("10.", StringComparison.Ordinal));
        return (await Worker.StartAsync(host, "kernel", address), node.Process.Id);
    }
}
