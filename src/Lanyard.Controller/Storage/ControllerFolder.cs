using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Reads the folder in which other controllers with this API keep their records, <c>controller.d</c>: a file
/// <c>network/ID.json</c> for a network and <c>network/ID/member/ADDRESS.json</c> for a member. It is only ever read: see the import of
/// <see cref="NetworkController"/>.
/// </summary>
public static class ControllerFolder
{
    /// <summary>Reads all records that a controller can serve; returns none if the folder does not exist.</summary>
    /// <param name="path">The folder, such as <c>controller.d</c> in a node's home.</param>
    /// <param name="controller">The address of the controller that imports the records.</param>
    /// <param name="left">Called with the path of each file that is skipped, wholly or in part, and a sentence with the reason.</param>
    /// <exception cref="ControllerStoreException">The folder cannot be read.</exception>
    public static StoredRecords Read(string path, NodeAddress controller, Action<string, string>? left = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var networks = new List<NetworkRecord>();
        var members = new List<MemberRecord>();
        var folder = Path.Combine(path, "network");
        try
        {
            if (!Directory.Exists(folder))
                return new StoredRecords(networks, members);
            foreach (var file in Files(folder))
            {
                if (TryReadNetwork(file, controller, left, out var network))
                    networks.Add(network);
            }

            foreach (var memberFolder in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
                ReadMembers(memberFolder, networks, members, left);
            return new StoredRecords(networks, members);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new ControllerStoreException($"The controller's folder {path} cannot be read: {e.Message} Check its permissions, or move it away.", e);
        }
    }

    private static bool TryReadNetwork(string file, NodeAddress controller, Action<string, string>? left, out NetworkRecord network)
    {
        network = new NetworkRecord { Id = default };
        if (!NetworkId.TryParse(Path.GetFileNameWithoutExtension(file), out var id))
        {
            left?.Invoke(file, "Its name is not a network's ID, sixteen hexadecimal digits.");
            return false;
        }

        if (id.Controller != controller)
        {
            left?.Invoke(file, $"The network is the controller {id.Controller}'s, and this node is {controller}.");
            return false;
        }

        return TryParse(file, left, NetworkJson.TryRead, record => record.Id == id, RecordLimits.Check, out network);
    }

    private static void ReadMembers(string networkFolder, List<NetworkRecord> networks, List<MemberRecord> members, Action<string, string>? left)
    {
        var folder = Path.Combine(networkFolder, "member");
        if (!Directory.Exists(folder))
            return;
        if (!NetworkId.TryParse(Path.GetFileName(networkFolder), out var id) || !networks.Exists(network => network.Id == id))
        {
            left?.Invoke(folder, "Its network was not taken.");
            return;
        }

        foreach (var file in Files(folder))
        {
            if (TryParse(file, left, MemberJson.TryRead, record => record.Network == id && record.Address.ToString() == Path.GetFileNameWithoutExtension(file) && !record.Address.IsReserved,
                RecordLimits.Check, out MemberRecord member))
                members.Add(member);
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal);

    private static bool TryParse<T>(string file, Action<string, string>? left, Reader<T> read, Func<T, bool> isNamed, Action<T> check, out T record)
        where T : class
    {
        record = null!;
        try
        {
            var bytes = File.ReadAllBytes(file);
            if (bytes.AsSpan().IndexOfAnyExcept(" \t\r\n\0"u8) < 0)
            {
                left?.Invoke(file, "It is empty.");
                return false;
            }

            using var document = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? "\uFEFF"u8.Length : 0));
            var fields = new FieldReader();
            if (!read(document.RootElement, fields, out record))
            {
                left?.Invoke(file, "It is not such a record.");
                return false;
            }

            if (!isNamed(record))
            {
                left?.Invoke(file, "Its name is not that of the record in it.");
                return false;
            }

            check(record);
            if (!fields.HasReadAll)
                left?.Invoke(file, $"Only a part of it was taken: {fields.Problems}");
            return true;
        }
        catch (JsonException e)
        {
            left?.Invoke(file, $"It is not JSON: {e.Message}");
        }
        catch (Exception e) when (e is ControllerLimitException || IsFileError(e))
        {
            left?.Invoke(file, e.Message);
        }

        return false;
    }

    private static bool IsFileError(Exception e) => e is IOException or UnauthorizedAccessException;

    private delegate bool Reader<T>(JsonElement document, FieldReader fields, out T record);
}
