using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>The identities of the authorized members of all networks, by address. Guarded by the controller's lock.</summary>
internal sealed class MemberIdentities
{
    private readonly Dictionary<NodeAddress, Entry> _entries = [];

    /// <summary>Adds the identity of a member's record.</summary>
    public void Add(MemberRecord record)
    {
        if (record is not { IsAuthorized: true, Identity: { } text })
            return;
        if (_entries.TryGetValue(record.Address, out var entry) && entry.Text == text)
            entry.Uses++;
        else
            _entries[record.Address] = new Entry(text);
    }

    /// <summary>Undoes an <see cref="Add"/>.</summary>
    public void Remove(MemberRecord record)
    {
        if (record is { IsAuthorized: true, Identity: { } text } && _entries.TryGetValue(record.Address, out var entry) && entry.Text == text && --entry.Uses == 0)
            _entries.Remove(record.Address);
    }

    /// <summary>Returns a member's identity; null if the member does not exist or its record has no identity.</summary>
    public Identity? Find(NodeAddress address)
    {
        if (!_entries.TryGetValue(address, out var entry))
            return null;
        if (entry.Identity is null && Identity.TryParse(entry.Text, out var identity) && identity.Address == address)
            entry.Identity = identity;
        return entry.Identity;
    }

    private sealed class Entry(string text)
    {
        public string Text { get; } = text;

        public Identity? Identity { get; set; }

        public int Uses { get; set; } = 1;
    }
}
