using System.Text;

namespace Lanyard.Cli;

/// <summary>Files that verbs read and write. What goes wrong with one is said with its name.</summary>
internal static class Files
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>All of a file; <c>-</c> is standard input.</summary>
    /// <exception cref="CommandException">It cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            if (path != "-")
                return File.ReadAllBytes(path);
            using var input = Console.OpenStandardInput();
            using var bytes = new MemoryStream();
            input.CopyTo(bytes);
            return bytes.ToArray();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CommandException(ExitCode.Failed, $"'{path}' cannot be read: {failure.Message}");
        }
    }

    /// <summary>All of a file's text; <c>-</c> is standard input.</summary>
    /// <exception cref="CommandException">It cannot be read.</exception>
    public static string ReadText(string path) => Encoding.UTF8.GetString(ReadBytes(path));

    /// <summary>Puts bytes into a file, in the place of the old one.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes) => Write(path, bytes, FileMode.Create, secret: false);

    /// <summary>Opens a file to be written bit by bit, in the place of the old one.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static FileStream OpenWrite(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CommandException(ExitCode.Failed, $"'{path}' cannot be written: {failure.Message}");
        }
    }

    /// <summary>Puts bytes into a new file.</summary>
    /// <param name="path">The file: there is none yet.</param>
    /// <param name="bytes">What it holds.</param>
    /// <param name="secret">Whether nobody but its owner may read it.</param>
    /// <exception cref="CommandException">It is there already, or cannot be written.</exception>
    public static void Create(string path, ReadOnlySpan<byte> bytes, bool secret) => Write(path, bytes, FileMode.CreateNew, secret);

    /// <summary>Puts bytes that only the owner may read into a file, in the place of the old one: all of them or, where that fails, none.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        var next = path + ".new";
        Write(next, bytes, FileMode.Create, secret: true);
        File.Move(next, path, overwrite: true);
    }

    /// <summary>Ends the command where there is such a file.</summary>
    /// <exception cref="CommandException">There is.</exception>
    public static void RequireNone(string path)
    {
        if (Path.Exists(path))
            throw new CommandException(ExitCode.Failed, $"'{path}' is there already and is not overwritten. Move it away, or choose another name.");
    }

    private static void Write(string path, ReadOnlySpan<byte> bytes, FileMode mode, bool secret)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (secret && !OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            using var file = new FileStream(path, options);
            file.Write(bytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CommandException(ExitCode.Failed, $"'{path}' cannot be written: {failure.Message}");
        }
    }
}
