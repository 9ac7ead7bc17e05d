/** The version of this source; equals package.json's (a test sees to it), and is the tag of the images. */
export const VERSION = '0.1.0';
