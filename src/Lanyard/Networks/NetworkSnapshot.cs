using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>A network at one moment, for readers without the gate.</summary>
internal sealed record NetworkSnapshot(
    NetworkStatus Status, NetworkConfig? Config, IReadOnlyList<InetPrefix> Addresses, IReadOnlyList<NetworkRoute> Routes, int Mtu, bool IsLeft)
{
    public bool IsReady => Status == NetworkStatus.Ok && Addresses.Count > 0 && !IsLeft;
}
