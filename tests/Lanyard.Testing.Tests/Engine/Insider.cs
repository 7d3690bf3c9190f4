using Lanyard.Tests.Shared;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>Sends packets with a node's own keys: authentic, with any content.</summary>
internal static class Insider
{
    /// <summary>Delivers an authentic packet from one node to another.</summary>
    public static void Send(Lan lan, SimulatedNode from, SimulatedNode to, Verb verb, byte[] payload)
    {
        lan.Internet.Inject(to, from.Endpoint, PacketForge.Packet(from.Node.Identity, to.Node.Identity, verb, (ref Wire.ByteWriter writer) => writer.WriteBytes(payload)));
        lan.Internet.Run(TimeSpan.FromMilliseconds(100));
    }
}
