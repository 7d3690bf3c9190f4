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
    /// <summary>Reads all records; none if there is no such folder.</summary>
    /// <param name="path">The folder, such as <c>controller.d</c> in a node's home.</param>
    /// <exception cref="ControllerStoreException">A file cannot be read, or is no record of what its name says.</exception>
    public static StoredRecords Read(string path)
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
                if (!NetworkId.TryParse(Path.GetFileNameWithoutExtension(file), out var id))
                    continue;
                var network = Parse(file, (JsonElement root, out NetworkRecord record) => NetworkJson.TryRead(root, out record) && record.Id == id);
                networks.Add(network);
                var memberFolder = Path.Combine(folder, id.ToString(), "member");
                if (Directory.Exists(memberFolder))
                    members.AddRange(Files(memberFolder).Select(memberFile => ReadMember(memberFile, id)));
            }

            return new StoredRecords(networks, members);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControllerStoreException($"The controller's folder {path} cannot be read: {e.Message} Check its permissions, or move it away.", e);
        }
    }

    private static MemberRecord ReadMember(string file, NetworkId network) => Parse(file, (JsonElement root, out MemberRecord record) =>
        MemberJson.TryRead(root, out record) && record.Network == network && record.Address.ToString() == Path.GetFileNameWithoutExtension(file));

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal);

    private static T Parse<T>(string file, ControllerJson.RecordReader<T> read) =>
        ControllerJson.Parse(File.ReadAllBytes(file), read, $"The record {file} is damaged. Put a backup in its place, or move it away.");
}
