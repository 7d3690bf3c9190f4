using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing.Tests;

/// <summary>Runs engines without <see cref="LanyardNode"/> on a simulated internet: one thread, no thread pool.</summary>
internal static class EngineHarness
{
    /// <summary>Starts a node on one of a host's UDP ports.</summary>
    /// <param name="host">The host.</param>
    /// <param name="identity">The identity; a new one if null.</param>
    /// <param name="planet">The planet; null if the state has it.</param>
    /// <param name="port">The UDP port. Default 9993.</param>
    /// <param name="state">The state of an earlier node (<see cref="SimulatedNode.State"/>), for a restart.</param>
    /// <param name="options">The node's options. The internet replaces the random seed and the check of identities.</param>
    public static SimulatedNode Start(
        this SimulatedHost host, Identity? identity = null, World? planet = null, ushort port = 9993, SimulatedState? state = null, NodeOptions? options = null)
    {
        var node = new SimulatedNode(host, port, identity ?? host.Internet.CreateIdentity(), planet, state ?? new SimulatedState(), options);
        host.Bind(port, node);
        node.Wake();
        return node;
    }

    /// <summary>Advances the time.</summary>
    public static void Run(this SimulatedInternet internet, TimeSpan duration)
    {
        var end = internet.NowMicroseconds + (duration.Ticks / SimulatedInternet.TicksPerMicrosecond);
        while (internet.TryStep(end))
        {
        }
    }

    /// <summary>Advances the time until a condition holds. Returns false if it does not within a time.</summary>
    public static bool RunUntil(this SimulatedInternet internet, Func<bool> condition, TimeSpan limit)
    {
        var end = internet.NowMicroseconds + (limit.Ticks / SimulatedInternet.TicksPerMicrosecond);
        while (!condition())
        {
            if (!internet.TryStep(end))
                return condition();
        }

        return true;
    }

    /// <summary>Delivers a datagram with any bytes and any source to a node, as an attacker can.</summary>
    public static void Inject(this SimulatedInternet internet, SimulatedNode target, InetEndpoint source, Span<byte> datagram)
    {
        ArgumentNullException.ThrowIfNull(internet);
        target.Receive(source, target.Port, datagram);
    }
}
