namespace Lanyard.Controller;

/// <summary>Queues messages to members about changes. Guarded by the controller's lock.</summary>
internal interface IMemberNotifier
{
    /// <summary>Queues a new configuration, or a refusal, for a member that may have a configuration.</summary>
    void Notify(NetworkState network, MemberState member);

    /// <summary>Queues new configurations, or refusals, for all members that may have a configuration.</summary>
    void NotifyAll(NetworkState network);

    /// <summary>Queues a revocation of all certificates of a node up to now, for all members. Members propagate it.</summary>
    void Revoke(NetworkState network, MemberState target, long nowMs);
}
