using System.Text;

namespace Lanyard.Cli;

/// <summary>Reads and writes the files of commands. Errors contain the file name.</summary>
internal static class Files
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads all bytes of a file; <c>-</c> for standard input.</summary>
    /// <exception cref="CommandException">The file cannot be read.</exception>
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
            throw new CommandException(ExitCode.Failed, $"Cannot read '{path}': {failure.Message}");
        }
    }

    /// <summary>Reads the text of a file; <c>-</c> for standard input.</summary>
    /// <exception cref="CommandException">The file cannot be read.</exception>
    public static string ReadText(string path) => Encoding.UTF8.GetString(ReadBytes(path));

    /// <summary>Replaces a file that all users may read.</summary>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static void Write(string path, byte[] bytes)
    {
        if (!StateFile.IsSpecial(path))
        {
            Write(path, bytes, secret: false, overwrite: true);
            return;
        }

        using var special = Open(path, FileMode.Open);
        special.Write(bytes);
    }

    /// <summary>Opens a new file that only its owner may read, in place of an existing file.</summary>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static FileStream OpenWrite(string path)
    {
        if (StateFile.IsSpecial(path))
            return Open(path, FileMode.Open);
        try
        {
            // A program that has the old file open, or may read it, does not see the new content.
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(path, failure);
        }

        return Open(path, FileMode.CreateNew);
    }

    /// <summary>Creates a file.</summary>
    /// <param name="path">The path. The file must not exist.</param>
    /// <param name="bytes">The content.</param>
    /// <param name="secret">Whether only the owner may read the file.</param>
    /// <exception cref="CommandException">The file exists, or cannot be written.</exception>
    public static void Create(string path, byte[] bytes, bool secret) => Write(path, bytes, secret, overwrite: false);

    /// <summary>Replaces a file that only its owner may read. If the write fails, the old file stays.</summary>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static void Replace(string path, byte[] bytes) => Write(path, bytes, secret: true, overwrite: true);

    /// <summary>Throws if a file exists.</summary>
    /// <exception cref="CommandException">The file exists.</exception>
    public static void RequireNone(string path)
    {
        if (Path.Exists(path))
            throw new CommandException(ExitCode.Failed, $"'{path}' already exists and is not overwritten. Move it away, or choose another name.");
    }

    private static void Write(string path, byte[] bytes, bool secret, bool overwrite)
    {
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            var access = secret ? StateFileAccess.Owner : StateFileAccess.Everyone;
            if (overwrite)
                StateFile.Replace(path, bytes, access);
            else
                StateFile.Create(path, bytes, access);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw CannotWrite(path, failure);
        }
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.Read };
        if (mode == FileMode.CreateNew && !OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        try
        {
            return new FileStream(path, options);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw CannotWrite(path, failure);
        }
    }

    private static CommandException CannotWrite(string path, Exception failure) => new(ExitCode.Failed, $"Cannot write '{path}': {failure.Message}");
}
