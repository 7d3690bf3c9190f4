using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>Records the calls of a notifier as text.</summary>
internal sealed class TestNotifier : IMemberNotifier
{
    private readonly List<string> _calls = [];

    /// <summary>Returns the calls since the last call of this method.</summary>
    public string[] Take()
    {
        var calls = _calls.ToArray();
        _calls.Clear();
        return calls;
    }

    public void Notify(NetworkState network, MemberState member) => _calls.Add($"notify {Name(member.Record.Address)}");

    public void NotifyAll(NetworkState network) => _calls.Add("notify all");

    public void Revoke(NetworkState network, MemberState target, long nowMs) => _calls.Add($"revoke {Name(target.Record.Address)} at {nowMs}");

    private static string Name(NodeAddress address) => $"{address.Value:x}";
}
