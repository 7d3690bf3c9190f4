using Lanyard.Dissector;

namespace Lanyard.Wire.Tests;

/// <summary>The contents of the recordings, decrypted with the recorded nodes' secret keys.</summary>
internal static class Recording
{
    private static readonly Dictionary<(string, string), IReadOnlyList<CaptureEntry>> Entries = [];
    private static readonly Lock EntriesLock = new();

    /// <summary>Every recording at every node, for theories: the recording's folder and the node.</summary>
    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var recording in TestData.Recordings)
            {
                foreach (var node in TestData.Nodes)
                    all.Add(recording, node);
            }

            return all;
        }
    }

    /// <summary>All that was captured at a node: packets, decrypted, and what is not the protocol.</summary>
    public static IReadOnlyList<CaptureEntry> Read(string recording, string node)
    {
        lock (EntriesLock)
        {
            if (!Entries.TryGetValue((recording, node), out var entries))
                Entries[(recording, node)] = entries = PacketCapture.Read(CaptureFile.Read(TestData.Bytes(recording, $"{node}.pcap")), KeysOf(recording));
            return entries;
        }
    }

    /// <summary>The packets that were captured at a node and can be read, in order of time.</summary>
    public static IEnumerable<CaptureEntry> Packets(string recording, string node) => Read(recording, node).Where(entry => entry.IsReadable);

    /// <summary>A key ring with the three nodes' secrets.</summary>
    public static KeyRing KeysOf(string recording)
    {
        var keys = new KeyRing();
        foreach (var node in TestData.Nodes)
            keys.Add(TestData.SecretIdentity(recording, node));
        return keys;
    }
}
