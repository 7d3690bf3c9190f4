using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard.Engine;

/// <summary>
/// A host that seals packets itself, without the lock that guards the node. Packets whose replies the node must recognize are sealed by the node, because sealing
/// chooses the packet ID.
/// </summary>
public interface ISealingHost : INodeHost
{
    /// <summary>Seals and sends a packet, in the order of this call and of <see cref="INodeHost.SendDatagram"/>.</summary>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="packet">The packet.</param>
    void SendPacket(int localSocket, in InetEndpoint destination, in UnsealedPacket packet);
}
