using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A revocation and the members that have yet to receive it.</summary>
/// <param name="network">The network.</param>
/// <param name="revocation">The revocation, unsigned.</param>
internal sealed class RevocationRound(NetworkState network, Revocation revocation)
{
    private Revocation? _signed;

    public NetworkState Network => network;

    /// <summary>The remaining recipients. <see langword="null"/> until the first message, so that a queued round is small.</summary>
    public Queue<NodeAddress>? Recipients { get; set; }

    /// <summary>Returns the revocation, signed once. Threads that sign it at the same time create the same revocation.</summary>
    public Revocation Sign(Identity controller) => _signed ??= revocation.Sign(controller);
}
